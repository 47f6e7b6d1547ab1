# A scheduler and two workers; in the middle one of the workers is lost.

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q --disable-pip-version-check distributed
python=$scratch/venv/bin/python
dask=$scratch/venv/bin/dask
dask_port=$((30000 + RANDOM % 10000))

begin dask-scheduler.log "$dask" scheduler --host 127.0.0.1 --port $dask_port --dashboard-address 127.0.0.1:0
for worker in 1 2; do
  begin dask-worker-$worker.log setsid "$dask" worker --nthreads 1 --no-nanny --dashboard-address 127.0.0.1:0 \
    --local-directory "$scratch/dask-$worker" --death-timeout 60 "tcp://127.0.0.1:$dask_port"
  lost=$!
done

create dasked
PATH=$scratch/venv/bin:$PATH "$program" job submit dasked.job --engine dask --go -- --scheduler "tcp://127.0.0.1:$dask_port" 2> dask.log &
submission=$!
logs+=(dask.log)
started+=($submission)
await 100 "two tasks of dask" has_done dasked.job 2
kill -9 -- -$lost
wait $lost 2> /dev/null || true
[ ! -e dasked.tif ] || fail "dask was done before a worker was lost"
wait $submission || { cat dask.log >&2; fail "the job on dask ended with status $?"; }
cat dask.log
same dasked

# From Python, on workers of its own, with a picture that is damaged.
create_batch dasked-photos
PYTHONPATH=$root/Sources/Python "$python" "$here/dask_notebook.py" dasked-photos.job "$program" || fail "dask_notebook.py"
same_batch dasked-photos
