#!/usr/bin/env bash
# Sets up the machine, builds and runs every test:  scripts/test.sh [PRESET] [ctest options…]   (default preset: dev)
set -euo pipefail
cd "$(dirname "$0")/.."
preset="${1:-dev}"
shift || true
scripts/setup.sh
scripts/build.sh "$preset" -DJADE_WERROR=ON
ctest --test-dir "build/$preset" --output-on-failure -j"$(nproc)" "$@"
