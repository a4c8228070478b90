#!/usr/bin/env bash
# Fails when clang-format would change a tracked C++ file.  --fix rewrites them.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.h' '*.cpp')
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run -Werror "${files[@]}" || { echo "check_format: run scripts/check_format.sh --fix" >&2; exit 1; }
  echo "check_format: ${#files[@]} files are clean"
fi
