#!/usr/bin/env bash
# Builds the fuzz targets with AddressSanitizer and UndefinedBehaviorSanitizer and runs each for some seconds (20).
# A crash leaves its input in .build/fuzz, and the status is 1.
set -eu
seconds=${1:-20}
cd "$(dirname "$0")/../.."
out=.build/fuzz
mkdir -p "$out"
python3 Tests/Fuzz/make_seeds.py "$out/seeds"
sources=$(ls Sources/CodecShims/*.c)
for format in png jpeg tiff pnm npy; do
  has=
  if [ $format = tiff ]; then has="-DHAS_PAGES -DHAS_WINDOWS -DHAS_MASKS"; fi
  if [ $format = pnm ]; then has="-DHAS_PAGES -DHAS_WINDOWS"; fi
  if [ $format = npy ]; then has="-DHAS_PAGES -DHAS_WINDOWS"; fi
  # shellcheck disable=SC2086
  clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Wno-nullability-completeness \
    -DFORMAT=$format $has -ISources/CodecShims/include -ISources/CodecShims Tests/Fuzz/fuzz_reader.c $sources \
    -o "$out/$format" -lpng -ljpeg -ltiff -lisal -lz -lm 2> "$out/$format.log" || { cat "$out/$format.log"; exit 1; }
done
status=0
for format in png jpeg tiff pnm npy; do
  mkdir -p "$out/corpus/$format"
  echo "$format: $seconds s"
  if ! "$out/$format" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 \
    -artifact_prefix="$out/crash-$format-" "$out/corpus/$format" "$out/seeds/$format" > "$out/$format.log" 2>&1; then
    tail -40 "$out/$format.log"
    status=1
  fi
  grep -E "stat::(number_of_executed_units|peak_rss_mb)" "$out/$format.log" || true
done
exit $status
