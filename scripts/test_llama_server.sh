#!/usr/bin/env bash
# Runs JADE over a real llama.cpp server: doctor, a run (completions with text and with ids, chat), an evaluation with
# many calls in flight. Skipped, with a message, where there is no server or model.
#   LLAMA_SERVER=PATH LLAMA_MODEL=MODEL.gguf [JADE=build/dev/jade] [QUESTIONS=8] \
#     [LLAMA_ARGUMENTS="--threads 1"] scripts/test_llama_server.sh
set -euo pipefail
cd "$(dirname "$0")/.."

server=${LLAMA_SERVER:-$(command -v llama-server || true)}
model=${LLAMA_MODEL:-}
jade=$(realpath "${JADE:-build/dev/jade}")
if [ ! -x "$server" ] || [ ! -f "$model" ]; then
  echo "test_llama_server: skipped: set LLAMA_SERVER to llama.cpp's llama-server and LLAMA_MODEL to a GGUF"
  exit 0
fi

folder=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$server" -m "$model" --host 127.0.0.1 --port "$port" --parallel 8 --ctx-size 16384 ${LLAMA_ARGUMENTS:-} >"$folder/server.log" 2>&1 &
pid=$!
until curl -sf "http://127.0.0.1:$port/health" >/dev/null; do
  kill -0 "$pid" 2>/dev/null || { tail -5 "$folder/server.log" >&2; exit 1; }
  sleep 0.2
done

config() {
  printf 'backbone: { kind: remote, url: "http://127.0.0.1:%s/v1", timeout: 300s%s }\n' "$port" "$1"
  printf 'budget: { seconds: 1200 }\nsampling: { AG: { max_tokens: 24 } }\n'
}
check() {  # what the AG call of a run must have
  python3 - "$1" "$2" <<'PYTHON'
import json, sys
run, ids = json.load(open(sys.argv[1])), sys.argv[2] == "ids"
call = [c for c in run["calls"] if c["role"] == "AG"][0]
assert call["status"] == "done" and call["action"], call
assert len(call["log_probs"]) == len(call["action_ids"]) > 0, call
assert all(p <= 0 for p in call["log_probs"]), call
assert run["tokens"] == len(call["action_ids"]) and run["prompt_tokens"] > 20, run
assert bool(call["observation_ids"]) == ids, call
print(f"  {len(call['action_ids'])} tokens, mean log-probability {sum(call['log_probs']) / len(call['log_probs']):.3f}: "
      f"{call['action'][:60]!r}")
PYTHON
}

config "" >"$folder/text.yaml"
config ", api: chat" >"$folder/chat.yaml"
config ", tokenizer: '$(realpath "$model")'" >"$folder/ids.yaml"
"$jade" doctor --config "$folder/text.yaml" | grep 'remote backbone'
for form in text ids chat; do
  echo "run, $form:"
  "$jade" run workflows/closed_book.jade --config "$folder/$form.yaml" --no-trace --json --quiet --seed 3 \
    -i question="What is the capital of France?" >"$folder/run.json" || [ $? -eq 3 ]
  check "$folder/run.json" "$form"
done
echo "eval:"
"$jade" eval workflows/naive_rag.jade --config "$folder/ids.yaml" --data data/atlas/dev.jsonl --limit "${QUESTIONS:-8}" \
  --concurrency 8 --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["failed"] == 0 and s["tokens"] > 0, s
print("  {questions} questions, none failed, {tokens:.1f} + {prompt_tokens:.1f} tokens a question".format(**s))'
echo "test_llama_server: fine"
