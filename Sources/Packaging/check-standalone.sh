#!/bin/bash
# Checks that a program needs no library but libc, and that it works in a root that has nothing else.
#
#     check-standalone.sh PROGRAM PICTURES    PICTURES: a folder as TestImages
set -euo pipefail
program=$(realpath "$1") pictures=$(realpath "$2")

needed=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
others=$(echo "$needed" | grep -vE '^(libc|libm|libpthread|libdl|librt|ld-linux.*)\.so\.[0-9]+$' || true)
if [ -n "$others" ]; then
  echo "check-standalone: it needs other libraries than libc:" $others >&2
  exit 1
fi
oldest=$(readelf -V "$program" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1)

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cp "$program" "$root/imbrex"
for library in $(ldd "$program" | grep -oE '/[^ ]+'); do
  mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
done
mkdir "$root/tmp"
for name in photo.png photo.jpg pages.tif; do [ ! -e "$pictures/$name" ] || cp "$pictures/$name" "$root/"; done

# A namespace of one's own makes chroot possible for everyone; where there is none, and no root, that is said.
if unshare -r true 2>/dev/null; then
  inside() { unshare -r chroot "$root" "$@"; }
elif [ "$(id -u)" = 0 ]; then
  inside() { chroot "$root" "$@"; }
else
  echo "check-standalone: no empty root can be had here; it is run as it is" >&2
  cd "$root"
  inside() { "${1/#\//./}" "${@:2}"; }
fi
inside /imbrex gaussian --sigma 2 photo.png -o blurred.tif
inside /imbrex sobel blurred.tif -o gradient.jpg
inside /imbrex median then edge gradient.jpg -o edges.png
inside /imbrex --version -v
# Every compression of TIFF that the library was made with.
for file in "$root"/*.png "$root"/*.jpg "$root"/*.tif; do [ -s "$file" ]; done
echo "check-standalone: it needs $(echo $needed); of glibc, ${oldest#GLIBC_} or later"
