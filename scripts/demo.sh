#!/usr/bin/env bash
# Sets up the machine, builds JADE and answers a question over the built-in corpus with the built-in backbone.
#   scripts/demo.sh ["QUESTION"]
set -euo pipefail
cd "$(dirname "$0")/.."
question="${1:-What is the capital of the country of Selma Lagerlöf?}"
scripts/setup.sh
scripts/build.sh release -DJADE_TESTS=OFF
build/release/jade run workflows/jade.jade -i "question=$question" --greedy
