#!/usr/bin/env bash
# Builds the libFuzzer targets under ASan and UBSan and runs them:  scripts/fuzz.sh [SECONDS] [TARGET…]
# (default: 300 seconds each, all targets, two at a time). New inputs go to build/fuzz/corpus, crashes to
# build/fuzz/crashes; the exit status is 1 when there was one.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-300}"
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$file" .cpp)"); done
fi

scripts/setup.sh --fuzz
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz --target "${targets[@]}"
mkdir -p build/fuzz/crashes

run_one() { # TARGET
  local name="${1%_fuzz}" corpus="build/fuzz/corpus/$1" log="build/fuzz/$1.log" seeds=()
  mkdir -p "$corpus"
  for folder in "tests/fuzz/corpus/$name" "tests/$name"; do [ -d "$folder" ] && seeds+=("$folder"); done
  if "$(find build/fuzz -type f -name "$1" -perm -u+x | head -n 1)" -max_total_time="$seconds" -rss_limit_mb=3000 \
      -timeout=20 -artifact_prefix="build/fuzz/crashes/$1-" -print_final_stats=1 "$corpus" "${seeds[@]}" >"$log" 2>&1; then
    echo "fuzz: $1: no finding, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in ${seconds} s"
  else
    echo "fuzz: $1: FOUND SOMETHING, see $log" >&2
    return 1
  fi
}
export -f run_one
export seconds
printf '%s\0' "${targets[@]}" | xargs -0 -n1 -P2 bash -c 'run_one "$1"' run_one
