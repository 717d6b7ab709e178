"""Works on a folder's queue, with Ray and two workers of its own, until it is empty; to be killed.

python chaos_controller.py FOLDER
"""

import sys
import time
import uuid
from pathlib import Path

from doomed_pipeline import DOOMED_PIPELINE, make_store_fail

from cluster.controller import Controller
from cluster.keys import QUEUE
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
    runtime = RayRuntime(config, workers=2)
    make_store_fail()
    term = Term(store, "chaos", time.monotonic, lapses_after_s=LAPSES_AFTER_S)
    controller = Controller(store=store, runtime=runtime, term=term)
    controller.serve(lambda: not LocalStore(folder / "store").list_keys(QUEUE))
    runtime.close()
