#!/usr/bin/env bash
# Questions through workflows/jade.jade on a real model: time and tokens a question, the share of prompt tokens that the
# prefix cache had, and, with `perf`, where the processor's time went: kernels, scheduler, tokenizer, SQLite, the rest.
# usage: scripts/bench_questions.sh DATA MODEL [CONCURRENCY [JADE [LIMIT]]]
#   DATA: a folder with corpus.jsonl and dev.jsonl. JADE: default build/release/jade. LIMIT: only so many questions. What
#   it writes is kept in $OUT, when that is set: summary.json (of `jade eval`), rows.jsonl, perf.txt, shares.json.
set -euo pipefail
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
data=$1 model=$2 concurrency=${3:-32} jade=${4:-$root/build/release/jade} limit=${5:-0}
say() { echo "bench_questions: $1" >&2; }
for file in "$data/corpus.jsonl" "$data/dev.jsonl"; do
  [ -r "$file" ] || { say "there is no \`$file\`"; exit 2; }
done
[ -x "$jade" ] || { say "there is no \`$jade\`; build it: cmake --preset release && ninja -C build/release jade"; exit 2; }
out=${OUT:-}
if [ -z "$out" ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"

"$jade" index build "$data/corpus.jsonl" -o "$out/index.db" >&2
eval=("$jade" eval "$root/workflows/jade.jade" --data "$data/dev.jsonl" --corpus "$out/index.db" --model "$model"
      --concurrency "$concurrency" --limit "$limit" --rows "$out/rows.jsonl" --json)
if command -v perf >/dev/null && perf record -q -e cpu-clock -o "$out/probe.data" true 2>/dev/null; then
  perf record -q -e cpu-clock -F 499 -o "$out/perf.data" "${eval[@]}" >"$out/summary.json"
  perf report -i "$out/perf.data" --stdio -q --no-children --percent-limit 0 -F overhead,dso,sym -t '|' \
    2>/dev/null >"$out/perf.txt"
  rm -f "$out/perf.data" "$out/probe.data"
else
  say "perf is not installed or not allowed here: no shares of time"
  "${eval[@]}" >"$out/summary.json"
fi
python3 "$root/scripts/bench_questions.py" "$out"
