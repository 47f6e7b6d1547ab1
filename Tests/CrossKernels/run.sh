#!/usr/bin/env bash
# Compares the kernels of this machine with those of arm64, run by qemu: the same digest of all that they write.
# Needs clang, and of Debian gcc-aarch64-linux-gnu and qemu-user.
set -eu
cd "$(dirname "$0")/../.."
out=.build/cross
mkdir -p $out
flags="-O2 -std=gnu11 -Wall -Werror -ISources/Kernels/include -ISources/Kernels"
# shellcheck disable=SC2086
clang $flags Sources/Kernels/*.c Tests/CrossKernels/digest.c -o $out/here -lm
# shellcheck disable=SC2086
clang --target=aarch64-linux-gnu $flags -c Tests/CrossKernels/digest.c -o $out/digest.o -isystem /usr/aarch64-linux-gnu/include
for source in Sources/Kernels/*.c; do
  # shellcheck disable=SC2086
  clang --target=aarch64-linux-gnu $flags -isystem /usr/aarch64-linux-gnu/include -c "$source" -o "$out/$(basename "$source" .c).arm64.o"
done
aarch64-linux-gnu-gcc -static $out/digest.o $out/*.arm64.o -o $out/arm64 -lm
here=$($out/here)
there=$(qemu-aarch64 $out/arm64)
if [ "$here" != "$there" ]; then echo "arm64 gives other results: $there instead of $here"; exit 1; fi
echo "the same on arm64: $here"
