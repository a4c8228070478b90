#pragma once
// What makes two starts the same run: a resumed one and the one before, and the processes of one job. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/train/collective.h"
#include "runtime/train/train_config.h"
#include "runtime/train/train_inputs.h"

namespace jade::train {

// What must agree for a resumed run to have the same figures: all that the file says, but where results are put.
std::string Fingerprint(const TrainConfig& config);

// Of the whole run over so many questions.
int64_t StepsOf(const TrainConfig& config, size_t questions);

// What all processes must have alike, or the sums of their gradients mean nothing. `weights`: a hash of them, empty at
// a rank 0 whose checkpoint is sent to all. kInvalidArgument names the first difference.
Status CompareStarts(Collective& collective, const TrainConfig& config, const QuestionSets& questions,
                     const std::string& weights);

}  // namespace jade::train
