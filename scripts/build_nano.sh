#!/usr/bin/env bash
# Rebuilds models/nano from nothing: demonstrations, tokenizer, supervised training, and export. Every step is skipped
# when its result is there, and training goes on from its checkpoint, so the script may be stopped and started again.
#   scripts/build_nano.sh [WORK_FOLDER]      (default build/nano)     JADE=path/to/jade to use another binary
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="${1:-$root/build/nano}"
jade="$(realpath "${JADE:-$root/build/release/jade}")"
facts="$root/data/atlas"
[ -x "$jade" ] || { echo "no $jade: run scripts/build.sh first" >&2; exit 1; }
mkdir -p "$work/data"
cd "$work"

demonstrations() { # FILE STAGE COUNT SEED [options…]
  [ -s "data/$1.jsonl" ] && return
  "$jade" data atlas --facts "$facts" --demos "$3" --stage "$2" --seed "$4" --out "data/$1.jsonl" "${@:5}"
}
demonstrations copying a 160000 11
demonstrations short b 200000 12 --real 0.05
demonstrations full c 200000 13 --real 0.08
demonstrations dev c 300 103 --pool gate
demonstrations judge a 300 102 --pool gate
demonstrations gate gate 500 104
demonstrations gate5 gate5 500 105
[ -s data/corpus.jsonl ] || cp "$facts/corpus.jsonl" data/corpus.jsonl

export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(nproc)}"
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"  # spinning threads starve each other on a busy machine
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
"$jade" sft "$root/models/nano/sft.yaml" --resume
for file in config.json tokenizer.json tokenizer_config.json model.safetensors; do
  cp "nano/$file" "$root/models/nano/.$file.new"
  mv "$root/models/nano/.$file.new" "$root/models/nano/$file"
done
echo "models/nano is built; dev figures by step: $work/run/metrics.jsonl"
