"""Works on a folder's queue, with two workers in a Ray cluster, until told to stop; to be killed.

python chaos_controller.py FOLDER ADDRESS
"""

import signal
import sys
import threading
import time
import uuid
from pathlib import Path

from doomed_pipeline import DOOMED_PIPELINE, make_store_fail

from cluster.controller import Controller
from cluster.runtime import WorkerConfig
from cluster.runtime_ray import RayRuntime
from cluster.store_local import LocalStore
from cluster.term import Term

LAPSES_AFTER_S = 3.0

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    store = LocalStore(folder / "store")
    scratch = folder / f"scratch-{uuid.uuid4().hex}"
    config = WorkerConfig(store_url=store.url, scratch=scratch, pipeline=DOOMED_PIPELINE)
    runtime = RayRuntime(config, workers=2, address=sys.argv[2])
    make_store_fail()
    term = Term(store, "chaos", time.monotonic, lapses_after_s=LAPSES_AFTER_S)
    controller = Controller(store=store, runtime=runtime, term=term)
    told = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: told.set())
    controller.serve(told.is_set)
    runtime.close()
