#!/usr/bin/env bash
# Runs compression and whole commands again and again, with address space randomised: one result each. What is in
# ImbrexCommandTests/SameBytesTests, for longer.
#
#     run.sh PROGRAM [RUNS]
set -eu
program=$(realpath "$1")
runs=${2:-1000}
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# shellcheck disable=SC2046
cc -O2 -ISources/CodecShims -ISources/CodecShims/include $(pkg-config --cflags libisal) Tests/SameBytes/deflate.c \
  Sources/CodecShims/deflate.c -o "$folder/deflate" $(pkg-config --libs libisal) -lpthread
for run in $(seq 20); do "$folder/deflate" "$run"; done | sort | uniq -c > "$folder/digests"
if [ "$(wc -l < "$folder/digests")" = 1 ]; then
  echo "deflate: 20 processes, one result"
else
  echo "deflate gives several results:" && cat "$folder/digests" && failed=1
fi

cp TestImages/photo.png "$folder/photo.png"
"$program" gaussian --sigma 0 --compression deflate --tiles 16x16 "$folder/photo.png" -o "$folder/tiles.tif"
"$program" gaussian --sigma 0 --compression deflate --tiles strips "$folder/photo.png" -o "$folder/strips.tif"
"$program" gaussian --sigma 0 --region 24x24+100+80 "$folder/photo.png" -o "$folder/small.png"
for name in tiles.tif strips.tif small.png; do
  for run in $(seq "$runs"); do
    if [ $((run % 2)) = 0 ]; then "$program" gaussian "$folder/$name" -o -; else "$program" gaussian --serial "$folder/$name" -o -; fi |
      md5sum
  done | sort | uniq -c > "$folder/sums"
  if [ "$(wc -l < "$folder/sums")" = 1 ]; then
    echo "$name: $runs runs, one result"
  else
    echo "$name gives several results:" && cat "$folder/sums" && failed=1
  fi
done
exit $failed
