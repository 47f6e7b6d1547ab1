#!/usr/bin/env bash
# A soak: many files of mixed formats, one in twenty damaged; the run is killed (kill -9) at random times and started again with
# --incremental until it ends by itself. Then every output must be there, equal to that of an undisturbed run, and no temporary
# file under an output's name. Prints the figures.
#
#   soak.sh [FILES [FOLDER]]
set -eu
count=${1:-2000}
folder=${2:-$(mktemp -d)}
program=$(cd "$(dirname "$0")/../.." && pwd)/.build/release/imbrex
images=$(cd "$(dirname "$0")/../../TestImages" && pwd)
mkdir -p "$folder/in"
cd "$folder"

python3 - "$count" "$images" <<'PYTHON'
import os, random, sys
count, images = int(sys.argv[1]), sys.argv[2]
random.seed(7)
sources = [os.path.join(images, n) for n in sorted(os.listdir(images)) if n.rsplit(".", 1)[-1] in ("png", "jpg", "tif", "ppm", "pam")]
data = {s: open(s, "rb").read() for s in sources}
for i in range(count):
    source = sources[i % len(sources)]
    bytes_ = data[source]
    if i % 20 == 7:
        bytes_ = bytes_[: random.randrange(20, len(bytes_) - 20)]
    name = f"in/{i % 50:02d}/{i:05d}.{source.rsplit('.', 1)[-1]}"
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as file:
        file.write(bytes_)
PYTHON

run() { "$program" median --radius 6 -r -q in -o "$1" --incremental --report "$2" 2> "$2.log"; }

echo "undisturbed run over $count files"
start=$(date +%s.%N)
if command -v /usr/bin/time > /dev/null; then
  /usr/bin/time -f '%M' -o memory "$program" median --radius 6 -r -q in -o whole/ --report whole.json 2> whole.log || true
  echo "peak memory: $(($(tail -1 memory) / 1024)) MB"
else
  "$program" median --radius 6 -r -q in -o whole/ --report whole.json 2> whole.log || true
fi
whole=$(echo "$(date +%s.%N) $start" | awk '{print $1 - $2}')
echo "seconds: $whole"

kills=0
while :; do
  run out/ out.json &
  pid=$!
  # Somewhere within a fifth of the time that it takes undisturbed.
  sleep "$(awk -v w="$whole" -v r="$RANDOM" 'BEGIN { print w / 5 * r / 32768 + 0.02 }')"
  if kill -9 $pid 2> /dev/null; then
    kills=$((kills + 1))
    wait $pid 2> /dev/null || true
  else
    wait $pid || true
    break
  fi
  if [ $kills -ge 200 ]; then run out/ out.json || true; break; fi
done
echo "killed $kills times"

left=$(find out -name '.*.imbrex-*' | wc -l)
find out -name '.*' -type f -delete
find whole -name '.*' -type f -delete
(cd whole && find . -type f | sort) > whole.list
(cd out && find . -type f | sort) > out.list
cmp whole.list out.list || { echo "FAILED: outputs are missing or too many"; exit 1; }
while read -r name; do cmp -s "whole/$name" "out/$name" || { echo "FAILED: $name differs"; exit 1; }; done < whole.list
[ "$left" = 0 ] || { echo "FAILED: the last run has not removed what kill -9 left: $left"; exit 1; }
failed=$(grep -c '"status":"failed"' out.json || true)
echo "outputs: $(wc -l < whole.list), all equal; inputs that failed: $failed; nothing that kill -9 left is there"
[ "$failed" = "$(grep -c '"status":"failed"' whole.json)" ] || { echo "FAILED: other inputs failed"; exit 1; }
if [ $# -lt 2 ]; then rm -rf "$folder"; fi
