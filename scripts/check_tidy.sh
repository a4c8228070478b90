#!/usr/bin/env bash
# Runs clang-tidy (.clang-tidy) over the sources of a configured build:  scripts/check_tidy.sh BUILD [FILE…]
# Without files: every tracked .cpp but the tests, the rooms that include LibTorch (a minute each), and compiler/parse and
# the file on FAISS (clang-tidy 14 does not get through ANTLR's headers, and finds no omp.h for FAISS's).
set -euo pipefail
cd "$(dirname "$0")/.."
build="$1"
shift
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files 'compiler/*.cpp' 'runtime/*.cpp' 'cli/*.cpp' | grep -vE '_test\.cpp$|^runtime/(backbone|encoder|train)/|^compiler/parse/|^runtime/dense/vector_index_faiss|^cli/backbone_linked')
fi
[ ${#files[@]} -gt 0 ] || exit 0
printf '%s\0' "${files[@]}" | xargs -0 -P"$(nproc)" -n4 clang-tidy --quiet -p "$build" \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument 2>/dev/null
echo "check_tidy: ${#files[@]} files are clean"
