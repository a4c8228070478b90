#!/usr/bin/env bash
# Installs what a bare Debian 12 (or 13) lacks to build, run and test JADE. Debian packages only; safe to run again.
#   scripts/setup.sh            everything
#   scripts/setup.sh --fuzz     everything, and clang with its sanitizers for scripts/fuzz.sh
#   scripts/setup.sh --compiler only what -DJADE_BACKBONE=OFF needs (no LibTorch)
set -euo pipefail

packages=(
  cmake ninja-build g++ ccache lld pkg-config git ca-certificates python3
  antlr4 libantlr4-runtime-dev libfmt-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev
  libsqlite3-dev libutf8proc-dev libxxhash-dev libssl-dev libcurl4-openssl-dev libedit-dev libzip-dev zlib1g-dev
  libfaiss-dev libgtest-dev libgmock-dev
  llvm-19-dev
)
backbone=(libtorch-dev libgloo-dev libopenblas0-openmp)
checks=(clang-format clang-tidy)

case "${1:-}" in
  "") packages+=("${backbone[@]}" "${checks[@]}") ;;
  --fuzz) packages+=("${backbone[@]}" "${checks[@]}" clang libclang-rt-dev) ;;
  --compiler) ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup: this script knows Debian's apt-get; on another system install: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: everything is installed"
  exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
