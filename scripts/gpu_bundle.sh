#!/usr/bin/env bash
# Stages what JADE needs to be built on a machine that has a C++20 compiler, CMake, ninja and a LibTorch (that of a
# PyTorch wheel with CUDA, say) but neither LLVM, Java, Debian's packages nor a network: the tracked sources as they are
# here, the parser that ANTLR made of the grammars, and headers and libraries of the Debian packages that setup.sh names.
# What is built has neither compiled code (LLVM) nor dense retrieval (FAISS, whose BLAS would stand beside LibTorch's).
# usage: scripts/gpu_bundle.sh FOLDER [PART_MIB]
#   FOLDER/jade-gpu.tar.gz.00, .01, … of at most PART_MIB (60) MiB each, and build.sh. On the other machine:
#   cat jade-gpu.tar.gz.* | tar -xz && jade-gpu/build.sh [LIBTORCH]
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
out=$1
part_mib=${2:-60}
root=$(cd "$(dirname "$0")/.." && pwd)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/jade-gpu
deps=$stage/deps
mkdir -p "$stage/jade" "$stage/parser" "$deps/usr/lib/$multiarch"

echo "gpu_bundle: sources" >&2
(cd "$root" && git ls-files -z | tar --null --files-from=- -cf -) | tar -xf - -C "$stage/jade"

echo "gpu_bundle: parser" >&2
antlr=(antlr4 -Dlanguage=Cpp -no-listener -no-visitor -encoding utf-8 -Xexact-output-dir -package jade::grammar)
(cd "$root/grammar" && "${antlr[@]}" -o "$stage/parser" JadeLexer.g4 &&
  "${antlr[@]}" -lib "$stage/parser" -o "$stage/parser" JadeParser.g4)

# The -dev packages of setup.sh, less those of LLVM, LibTorch and FAISS.
mapfile -t packages < <(sed -n '/^packages=(/,/^)/p' "$root/scripts/setup.sh" | tr ' ' '\n' | grep -E -- '-dev$' |
  grep -Ev '^(llvm|libfaiss|libgloo|libtorch|libopenblas)')
echo "gpu_bundle: ${packages[*]}" >&2
for package in "${packages[@]}"; do
  dpkg-query -L "$package" >"$work/files" 2>/dev/null ||
    { echo "gpu_bundle: \`$package\` is not installed: run scripts/setup.sh" >&2; exit 1; }
  grep -E "^/usr/(include|lib/$multiarch|share/(cmake|pkgconfig)|lib/cmake)/" "$work/files" | while read -r file; do
    [ -d "$file" ] && [ ! -L "$file" ] || echo "${file#/}"
  done >>"$work/list"
done
sort -u "$work/list" | tar -C / --files-from=- -cf - | tar -xf - -C "$deps"

# The shared libraries behind the links, and those that they need in turn; not what every machine with a compiler has.
find "$deps" -name '*.so' | while read -r link; do
  [ -L "$link" ] || continue
  library=$(readlink -f "/${link#"$deps"/}")
  echo "$library"
  ldd "$library" | awk '$3 ~ /^\// {print $3}'
done | sort -u >"$work/libraries"
have='/(ld-linux|libc|libm|libdl|libpthread|librt|libresolv|libstdc\+\+|libgcc_s|libgomp)[-.]'
grep -Ev "$have" "$work/libraries" | while read -r library; do
  real=$(readlink -f "$library")
  name=$(objdump -p "$real" | awk '$1 == "SONAME" {print $2}')
  cp -n "$real" "$deps/usr/lib/$multiarch/"
  [ -z "$name" ] || [ "$name" = "$(basename "$real")" ] || ln -sf "$(basename "$real")" "$deps/usr/lib/$multiarch/$name"
done
# Links with whole paths would leave the folder.
find "$deps" -name '*.so' -type l -lname '/*' | while read -r link; do
  ln -sf "$(basename "$(readlink -f "/${link#"$deps"/}")")" "$link"
done

# Package files that find their own place. pkg-config itself comes along: it is small, and not everywhere.
find "$deps" -name '*.pc' | while read -r file; do
  up=../../..
  case $file in */share/pkgconfig/*) up=../.. ;; esac
  sed -i -e "s|^prefix *=.*|prefix=\${pcfiledir}/$up|" -e '/^prefix/!s|\([= ]\)/usr\b|\1${prefix}|g' "$file"
done
for config in $(find "$deps" -name '*.cmake' -exec grep -l '"/usr/\|;/usr/\| /usr/' {} +); do
  sed -i "s|/usr/|\${JADE_DEPS}/usr/|g" "$config"
done
mkdir -p "$deps/bin"
cp "$(readlink -f "$(command -v pkg-config)")" "$deps/bin/pkgconf"
ldd "$deps/bin/pkgconf" | awk '$3 ~ /libpkgconf/ {print $3}' | xargs -r -I{} cp {} "$deps/bin/"

cat >"$stage/build.sh" <<'BUILD'
#!/usr/bin/env bash
# Builds JADE from this folder. usage: build.sh [LIBTORCH [TARGET…]]; LIBTORCH has include/ and lib/ (default: the
# `torch` of python3). The programs are in build/ beside this file.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libtorch=${1:-}
[ -n "$libtorch" ] || libtorch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
shift || true
multiarch=$(basename "$(echo "$here"/deps/usr/lib/*-linux-*)")
mkdir -p "$here/bin"
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$here/deps/bin" "$here/deps/bin/pkgconf" >"$here/bin/pkg-config"
chmod +x "$here/bin/pkg-config"
export PKG_CONFIG="$here/bin/pkg-config" LIBTORCH=$libtorch
export PKG_CONFIG_LIBDIR="$here/deps/usr/lib/$multiarch/pkgconfig:$here/deps/usr/share/pkgconfig"
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
# An rpath, unlike a runpath, also serves the libraries that libraries need.
cmake -G Ninja -S "$here/jade" -B "$here/build" -DCMAKE_BUILD_TYPE=Release -DJADE_JIT=OFF -DJADE_FAISS=OFF \
  -DJADE_DEPS="$here/deps" -DJADE_GENERATED_PARSER="$here/parser" -DCMAKE_PREFIX_PATH="$here/deps/usr" \
  -DCMAKE_LIBRARY_ARCHITECTURE="$multiarch" -DCMAKE_EXE_LINKER_FLAGS="-Wl,--disable-new-dtags,-rpath-link,$here/deps/usr/lib/$multiarch" \
  -DCMAKE_CXX_FLAGS="-isystem $here/deps/usr/include -isystem $here/deps/usr/include/$multiarch"
ninja -C "$here/build" "$@"
BUILD
chmod +x "$stage/build.sh"

rm -f "$out"/jade-gpu.tar.gz.*
tar -C "$work" --owner=0 --group=0 -czf - jade-gpu | split -d -b "${part_mib}M" - "$out/jade-gpu.tar.gz."
(cd "$out" && ls -l jade-gpu.tar.gz.*) >&2
