#!/bin/sh
# A chain of ten steps that answer at once, in JADE and in LangGraph (JavaScript and Python), side by side in one run:
# microseconds a step. `jade` is a release build; LangGraph is installed into a folder outside the tree, which is kept
# when it is named. What is not there (node, npm, pip, the network) is said and left out.
#
# usage: scripts/bench_langgraph.sh [JADE] [FOLDER]       (default: build/release/jade, a new temporary folder)
set -eu
export LANGSMITH_TRACING=false LANGCHAIN_TRACING_V2=false
root=$(cd "$(dirname "$0")/.." && pwd)
jade=${1:-$root/build/release/jade}
folder=${2:-}
js_version=1.7.3
core_version=1.4.0
py_version=1.2.24

if [ ! -x "$jade" ]; then
  echo "bench_langgraph: no \`$jade\`; build it: cmake --preset release -DJADE_TESTS=OFF && ninja -C build/release jade" >&2
  exit 2
fi
if ! command -v python3 >/dev/null; then
  echo "bench_langgraph: python3 is not installed, and the table is made with it" >&2
  exit 2
fi
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"

missing() { echo "bench_langgraph: $1" >&2; }

js=
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  missing "node or npm is not installed (Debian: nodejs npm): LangGraph.js is left out"
else
  mkdir -p "$folder/js"
  (cd "$folder/js" && [ -f package.json ] || echo '{"private":true}' >"$folder/js/package.json")
  if (cd "$folder/js" && npm install --no-audit --no-fund "@langchain/langgraph@$js_version" \
      "@langchain/core@$core_version") >"$folder/npm.log" 2>&1; then
    js=yes
  else
    missing "npm could not install @langchain/langgraph $js_version, so it is left out: $(tail -n 1 "$folder/npm.log")"
  fi
fi

py=
if { [ -x "$folder/py/bin/python" ] || python3 -m venv "$folder/py"; } >"$folder/pip.log" 2>&1 &&
  "$folder/py/bin/python" -m pip install --quiet "langgraph==$py_version" >>"$folder/pip.log" 2>&1; then
  py=yes
else
  missing "pip could not install langgraph $py_version, so it is left out: $(tail -n 1 "$folder/pip.log")"
fi

# In turns, three times each: a machine that is busy for a while then slows all of them.
for round in 1 2 3; do
  "$jade" bench compiler --json >"$folder/jade.$round.json"
  [ -z "$js" ] || (cd "$folder/js" && node "$root/bench/langgraph/chain.mjs") >"$folder/js.$round.json"
  [ -z "$py" ] || "$folder/py/bin/python" "$root/bench/langgraph/chain.py" >"$folder/py.$round.json"
done

PYTHONDONTWRITEBYTECODE=1 python3 "$root/bench/langgraph/table.py" "$folder" \
  "LangGraph.js $js_version=$js" "LangGraph (Python) $py_version=$py"
