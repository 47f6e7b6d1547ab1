#!/bin/bash
# What a program must be so that a defect is not an open door: check.sh PROGRAM
#
# Needs readelf; the names of the functions it takes from libc tell how its C was compiled.
set -euo pipefail
program=$1
export LC_ALL=C
if ! command -v readelf >/dev/null; then
  echo "no readelf: $program is not looked at" >&2
  exit 0
fi
header=$(readelf -hlW "$program") dynamic=$(readelf -dW "$program") symbols=$(readelf --dyn-syms -W "$program")
failed=0

# expect WHAT TEXT PATTERN; refuse WHAT TEXT PATTERN
expect() { grep -qE "$3" <<<"$2" || { echo "$program: $1" >&2; failed=1; }; }
refuse() { ! grep -qE "$3" <<<"$2" || { echo "$program: $1" >&2; failed=1; }; }

expect "is not position independent" "$header$dynamic" 'Type: +DYN'
expect "is a library, not a program" "$dynamic" 'FLAGS_1.*PIE'
expect "has no part that is read-only once it is linked" "$header" 'GNU_RELRO'
expect "binds functions as it runs" "$dynamic" 'BIND_NOW|FLAGS_1.*NOW'
refuse "relocates its code" "$dynamic" 'TEXTREL'
refuse "looks for libraries beside itself or elsewhere" "$dynamic" 'RPATH|RUNPATH'
expect "does not say what its stack is" "$header" 'GNU_STACK'
refuse "has a stack that can be executed" "$header" 'GNU_STACK.*E +0x'
refuse "has memory that can be written and executed" "$header" 'LOAD.* RWE '
expect "has no protection of its stack" "$symbols" '__stack_chk_fail'
expect "has no checks of buffers (_FORTIFY_SOURCE)" "$symbols" '__(memcpy|memmove|memset|snprintf|vsnprintf|read|pread)_chk'
[ "$failed" = 0 ] && echo "$program: position independent, bound at start, read-only relocations, stack and buffers checked"
exit "$failed"
