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

from cluster.farm.controller import Controller
from cluster.farm.term import Term
from cluster.jobs.job import Stage
from cluster.stores.asker import AT_ONCE
from cluster.stores.local import LocalStore
from cluster.workers.on_ray import RayRuntime
from cluster.workers.runtime import WorkerConfig
from cluster.workers.settings import FarmSettings

LAPSES_AFTER_S = 3.0
SETTINGS = FarmSettings(
    address=sys.argv[2], workers=2, resources={stage: {"cpu": 2.0} for stage in Stage}
)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    store = LocalStore(folder / "store")
    scratch = folder / f"scratch-{uuid.uuid4().hex}"
    config = WorkerConfig(store_url=store.url, scratch=scratch, pipeline=DOOMED_PIPELINE)
    runtime = RayRuntime(config, SETTINGS)
    make_store_fail()
    term = Term(store, "chaos", time.monotonic, lapses_after_s=LAPSES_AFTER_S)
    controller = Controller(store=store, runtime=runtime, term=term, requests_at_once=AT_ONCE)
    told = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: told.set())
    controller.serve(told.is_set)
    runtime.close()
