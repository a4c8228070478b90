#!/usr/bin/env bash
# Configures and builds one preset:  scripts/build.sh [PRESET] [cmake options…]   (default preset: release)
set -euo pipefail
cd "$(dirname "$0")/.."
preset="${1:-release}"
cmake --preset "$preset" --log-level=WARNING "${@:2}"
cmake --build --preset "$preset"
