#!/usr/bin/env bash
# Rebuilds models/nano-start, the start of the joint-training experiment, from models/nano: 400,000 tokens of demonstrations
# whose plans are drawn uniformly from the valid ones. May be stopped and started again.
#   scripts/build_nano_start.sh [WORK_FOLDER]      (default build/nano-start)     JADE=path/to/jade to use another binary
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="${1:-$root/build/nano-start}"
jade="$(realpath "${JADE:-$root/build/release/jade}")"
[ -x "$jade" ] || { echo "no $jade: run scripts/build.sh first" >&2; exit 1; }
mkdir -p "$work/data"
cd "$work"
[ -s data/uniform.jsonl ] || "$jade" data atlas --facts "$root/data/atlas" --demos 40000 --stage c --plans uniform \
  --seed 31 --out data/uniform.jsonl
ln -sfn "$root/models/nano" start
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
"$jade" sft "$root/models/nano-start/sft.yaml" --resume
for file in config.json tokenizer.json tokenizer_config.json model.safetensors; do
  cp "nano-start/$file" "$root/models/nano-start/.$file.new"
  mv "$root/models/nano-start/.$file.new" "$root/models/nano-start/$file"
done
