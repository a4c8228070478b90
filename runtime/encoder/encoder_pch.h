#pragma once
// Precompiled: LibTorch's headers take ten seconds a unit otherwise.
#include "runtime/backbone/torch_compat.h"
