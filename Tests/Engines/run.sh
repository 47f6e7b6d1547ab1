#!/usr/bin/env bash
# Runs jobs on real engines, which are installed and started on this machine and end with the script: make, Slurm (three nodes,
# played by one machine) and dask (a scheduler and two workers). In the middle of each something is killed. Every result must be, byte
# for byte, that of a plain run.
#
#   run.sh [make] [slurm] [dask]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$(readlink -f "${IMBREX:-$root/.build/release/imbrex}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/imbrex engines.XXXXXX")
started=() logs=(/dev/null)

# What an engine leaves behind beyond what was begun here; each sets it for itself.
clean_up() { :; }

# However it ends, nothing stays: neither processes nor files.
finish() {
  local status=$?
  trap - EXIT
  clean_up
  [ ${#started[@]} = 0 ] || kill -9 "${started[@]}" 2> /dev/null || true
  wait 2> /dev/null || true
  rm -rf "$scratch"
  exit $status
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# Ends it all, with the last that was said by what runs beside.
fail() {
  tail -n 5 "${logs[@]}" >&2 || true
  echo "FAILED: $*" >&2
  exit 1
}

# Runs something beside the script, to its end or the script's. Its messages go to a file.
begin() { # LOG COMMAND...
  local log=$1; shift
  "$@" > "$log" 2>&1 < /dev/null &
  logs+=("$log")
  started+=($!)
}

# Waits until a command says yes.
await() { # SECONDS WHAT COMMAND...
  local until=$((SECONDS + $1)) what=$2; shift 2
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $until ] || fail "$what: not within the time"
    sleep 0.1
  done
}

install_packages() {
  command -v apt-get > /dev/null || fail "$* cannot be installed here: there is no apt-get"
  local sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

done_tasks() { find "$1/done" -type f ! -name '.*' | wc -l; }
has_done() { [ "$(done_tasks "$1")" -ge "$2" ]; }

# One picture whose edges take some seconds, and a directory in which one picture is damaged.
prepare() {
  cd "$scratch"
  mkdir photos
  for number in $(seq 12); do cp "$root/TestImages/photo.png" "photos/$number.png"; done
  head -c 100000 "$root/TestImages/photo.png" > photos/7.png
  python3 - <<'PYTHON'
import random
random.seed(1)
width, height = 6000, 8000
rows = [bytes(min(255, max(0, x // 24 + random.randrange(-40, 40))) for x in range(width)) for _ in range(40)]
with open("large.pgm", "wb") as file:
    file.write(b"P5 %d %d 255\n" % (width, height))
    for y in range(height):
        file.write(rows[random.randrange(40)])
PYTHON
  "$program" gaussian --sigma 1 large.pgm -o large.tif
  "$program" "${chain[@]}" large.tif -o large-alone.tif
  "$program" gaussian --sigma 3 photos -o photos-alone/ -q 2> /dev/null && fail "a damaged picture went unnoticed"
  [ "$(ls photos-alone | wc -l)" = 11 ] || fail "a plain run made $(ls photos-alone | wc -l) pictures of 11"
}

# A chain that needs the whole picture at two places, and some time.
chain=(gaussian --sigma 1 --float then median --radius 7 then edge --sigma 2 --quantiles --low 0.8 --high 0.95)

create() { # NAME
  rm -rf "$1.job" "$1.tif" "$1"
  "$program" job create "$1.job" --parts 12 -- "${chain[@]}" large.tif -o "$1.tif"
}

create_batch() { # NAME
  rm -rf "$1.job" "$1"
  "$program" job create "$1.job" --parts 4 -- gaussian --sigma 3 photos -o "$1/"
}

same() { cmp "$1.tif" large-alone.tif || fail "$1.tif differs from the picture of a plain run"; }
same_batch() { diff -r "$1" photos-alone || fail "$1 differs from the directory of a plain run"; }

engines=("$@")
[ $# -gt 0 ] || engines=(make slurm dask)
prepare
for engine in "${engines[@]}"; do
  before=$SECONDS logs=(/dev/null)
  source "$here/$engine.sh"
  echo "$engine: all as on one machine, in $((SECONDS - before)) s"
done
