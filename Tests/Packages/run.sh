#!/usr/bin/env bash
# Installs what `make deb` and `make dist` have made into roots that hold nothing else, and runs it there: the program, its manuals,
# completions and header. Without dpkg there is no Debian package, which is said.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# What the loader finds for a program, and what that needs, copied into a root.
add_libraries() { # ROOT FILE...
  local root=$1 library; shift
  for library in $(ldd "$@" | grep -oE '/[^ :]+\.so[^ :]*' | sort -u); do
    mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
  done
}

# With nothing of this machine's environment, and where it can be had, with nothing of its files.
inside() { # ROOT COMMAND...
  local root=$1; shift
  if unshare -r true 2> /dev/null; then env -i unshare -r "$(command -v chroot)" "$root" "$@"
  elif [ "$(id -u)" = 0 ]; then env -i chroot "$root" "$@"
  else (cd "$root" && env -i ".$1" "${@:2}"); fi
}

check() { # ROOT PREFIX
  local root=$1 prefix=$2 file
  for file in bin/imbrex include/imbrex_filter.h share/bash-completion/completions/imbrex; do
    [ -s "$root$prefix/$file" ] || fail "$prefix/$file is missing"
  done
  [ "$(ls "$root$prefix/share/man/man1" | wc -l)" = "$(ls man/*.1 | wc -l)" ] || fail "manual pages are missing"
  [ -n "$(find "$root$prefix/share" -name _imbrex)" ] && [ -n "$(find "$root$prefix/share" -name imbrex.fish)" ] \
    || fail "completions are missing"
  mkdir -p "$root/tmp"
  cp TestImages/photo.png TestImages/photo.jpg TestImages/rgb-strips-lzw.tif "$root/"
  inside "$root" "$prefix/bin/imbrex" --version
  # In: every library that reads; out: every one that writes.
  inside "$root" "$prefix/bin/imbrex" gaussian --sigma 2 photo.png -o 1.tif
  inside "$root" "$prefix/bin/imbrex" sobel rgb-strips-lzw.tif -o 2.jpg
  inside "$root" "$prefix/bin/imbrex" median photo.jpg -o 3.png
  for file in 1.tif 2.jpg 3.png; do [ -s "$root/$file" ] || fail "no $file came out"; done
}

for tarball in dist/imbrex-*.tar.gz; do
  [ -e "$tarball" ] || fail "there is no tarball: make dist"
  root=$scratch/tarball
  mkdir -p "$root"
  tar -C "$root" --strip-components=1 -xzf "$tarball"
  for file in LICENSE README.md CHANGELOG.md; do [ -s "$root/$file" ] || fail "$file is missing in $tarball"; done
  add_libraries "$root" "$root/bin/imbrex"
  check "$root" ""
  echo "installed and run: $tarball"
  rm -r "$root"
done

if ! command -v dpkg-deb > /dev/null; then echo "no Debian package: there is no dpkg here"; exit; fi
for package in dist/imbrex_*.deb; do
  [ -e "$package" ] || fail "there is no package: make deb"
  root=$scratch/deb
  mkdir -p "$root"
  dpkg-deb -x "$package" "$root"
  # libtiff is opened by name, so what the program depends on is asked of the package.
  tiff=$(ldconfig -p | sed -n 's/.*libtiff\.so\.[0-9]* .*=> //p' | head -1)
  dpkg-deb -f "$package" Depends | grep -q libtiff || fail "$package does not depend on libtiff"
  add_libraries "$root" "$root/usr/bin/imbrex" "$tiff"
  mkdir -p "$root$(dirname "$tiff")" && cp -L "$tiff" "$root$tiff"
  check "$root" /usr
  echo "installed and run: $package"
  rm -r "$root"
done
