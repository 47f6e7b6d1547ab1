"""A job of which one task fails, on dask from Python: dask_notebook.py JOB IMBREX"""
import sys

import imbrex_dask
from distributed import Client, LocalCluster

if __name__ == "__main__":
    job, imbrex = sys.argv[1:]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        with Client(cluster) as client:
            futures = imbrex_dask.submit(job, client, retries=1, imbrex=imbrex)
            failed = imbrex_dask.follow(futures)
            assert len(failed) == 1, failed
            # Again: only what is missing.
            assert 0 < len(imbrex_dask.submit(job, client, imbrex=imbrex)) < len(futures)
