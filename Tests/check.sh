#!/usr/bin/env bash
# All that a maintainer wants to know before a release, one step after another: `make check`. A step that fails does not stop those
# behind it; a step whose tools are not here is passed over and named. The status is 1 if any failed.
#
#   check.sh [STEP]...      tests lint warnings sanitizers arm64 builds same-bytes hardening failures fuzz engines packages
set -uo pipefail
cd "$(dirname "$0")/.."
steps=("$@")
[ $# -gt 0 ] || steps=(tests lint warnings sanitizers arm64 builds same-bytes hardening failures fuzz engines packages)
logs=.build/check
mkdir -p "$logs"

has() { command -v "$1" > /dev/null; }
# What tests in process: all filters, formats and kernels, without starting programs thousands of times.
quick='ImbrexTests\.|KernelsTests\.'

# The program and the library, built from nothing, say nothing.
no_warnings() {
  rm -rf .build/warnings
  swift build -c release --scratch-path .build/warnings > "$logs/warnings.txt" 2>&1 || { cat "$logs/warnings.txt"; return 1; }
  ! grep -E "warning:" "$logs/warnings.txt" | sort -u | grep .
}

# Fixtures of scikit-image, with each set of kernels that this machine runs.
every_build() {
  local build program=.build-tests/release/imbrex
  swift build --build-tests -c release --scratch-path .build-tests || return 1
  for build in portable avx2 avx512 neon; do
    if ! IMBREX_CPU=$build $program --version > /dev/null 2>&1; then echo "$build: not on this machine"; continue; fi
    echo "$build"
    IMBREX_CPU=$build swift test --skip-build -c release --scratch-path .build-tests --filter "$quick|FixtureTests" || return 1
  done
}

packages() { make deb dist && bash Tests/Packages/run.sh; }

passed=() failed=() skipped=()
step() { # NAME COMMAND...
  local name=$1 start=$SECONDS; shift
  if "$@" > "$logs/$name.log" 2>&1; then
    passed+=("$name")
    echo "$name: passed in $((SECONDS - start)) s"
  else
    failed+=("$name")
    echo "$name: FAILED after $((SECONDS - start)) s; the end of $logs/$name.log:"
    tail -n 30 "$logs/$name.log"
  fi
}
skip() { skipped+=("$1"); echo "$1: passed over, $2"; }

for name in "${steps[@]}"; do
  case $name in
  tests) step tests make test ;;
  lint) step lint make lint ;;
  warnings) step warnings no_warnings ;;
  sanitizers) step sanitizers make test-sanitized TEST_FILTER="$quick" ;;
  arm64)
    if has qemu-aarch64 && has aarch64-linux-gnu-gcc && has clang; then step arm64 make test-arm64
    else skip arm64 "it needs clang, gcc-aarch64-linux-gnu and qemu-user"; fi ;;
  builds) step builds every_build ;;
  same-bytes | hardening | failures) step "$name" make "$name" ;;
  fuzz)
    if has clang && has python3; then step fuzz make fuzz FUZZ_SECONDS=60
    else skip fuzz "it needs clang and python3"; fi ;;
  engines)
    if has apt-get; then step engines make test-engines
    else skip engines "Slurm is installed with apt-get"; fi ;;
  packages)
    if has dpkg-deb; then step packages packages
    else skip packages "it needs dpkg"; fi ;;
  *) echo "check.sh: there is no step '$name'" >&2; exit 2 ;;
  esac
done
echo "${#passed[@]} passed, ${#failed[@]} failed${failed:+ (${failed[*]})}, ${#skipped[@]} passed over${skipped:+ (${skipped[*]})}"
[ ${#failed[@]} = 0 ]
