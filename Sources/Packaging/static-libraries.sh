#!/bin/bash
# Gathers static libraries in a folder, and beside them what pkg-config reads, changed to name that folder: a linker that
# looks there first finds no shared ones.
#
#     static-libraries.sh FOLDER NAME...      NAME as in -lNAME
#
# ISA-L, of which Debian has no static library, is made from ISAL_SOURCE, or from the source of the system's own package.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cc=${CC:-cc}

say() { echo "static-libraries: $*" >&2; }

# Debian's source package, through apt with lists of its own, so that nothing of the system's changes.
fetch_isal() {
  local apt=$folder/apt
  mkdir -p "$apt"/{parts,state/lists/partial,cache/archives/partial}
  for file in /etc/apt/sources.list.d/*.sources; do
    [ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" > "$apt/parts/${file##*/}"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -e "$file" ] || sed -n 's/^deb /deb-src /p' "$file" > "$apt/parts/$(basename "$file" .list).list"
  done
  local options=(-qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts"
    -o Dir::State="$apt/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$apt/cache")
  (cd "$apt" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only libisal) >&2
  mkdir -p "$folder/isal" && tar -C "$folder/isal" --strip-components=1 -xf "$apt"/libisal_*.orig.tar.*
}

make_isal() {
  if [ "$(uname -m)" = x86_64 ] && ! command -v nasm >/dev/null; then
    say "ISA-L is made from source, which takes nasm: apt-get install nasm"
    exit 1
  fi
  local source=${ISAL_SOURCE:-$folder/isal}
  if [ ! -e "$source/Makefile.unx" ]; then
    command -v apt-get >/dev/null || { say "libisal.a is missing: ISAL_SOURCE must name ISA-L's source"; exit 1; }
    say "libisal.a is missing: it is made from the system's source package"
    fetch_isal
  fi
  make -C "$source" -f Makefile.unx lib CC="$cc" >/dev/null
  cp "$source/bin/isa-l.a" "$folder/libisal.a"
  cp "$source/LICENSE" "$folder/isal-LICENSE"
}

for name in "$@"; do
  [ ! -e "$folder/lib$name.a" ] || continue
  path=$("$cc" -print-file-name="lib$name.a")
  if [ -e "$path" ]; then
    ln -sf "$path" "$folder/lib$name.a"
  elif [ "$name" = isal ]; then
    make_isal
  else
    say "lib$name.a is missing: install the library's development files"
    exit 1
  fi
done

for package in libpng libpng16 libjpeg libisal libxxhash zlib; do
  sed "s|^libdir=.*|libdir=$folder|" "$(pkg-config --variable=pcfiledir "$package")/$package.pc" > "$folder/$package.pc"
done
