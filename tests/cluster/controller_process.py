"""Runs one job inline in a process of its own, to be killed; may kill itself at a commit.

python controller_process.py FOLDER JOB [before|after STAGE INDEX]
"""

import os
import signal
import sys
from pathlib import Path

from tiny_farm import make_farm

from cluster.stores.local import LocalStore

_put_if_absent = LocalStore.put_if_absent


def _die_at(when: str, key_end: str) -> None:
    def put_if_absent(store: LocalStore, key: str, data: bytes) -> bool:
        if not key.endswith(key_end):
            return _put_if_absent(store, key, data)
        if when == "after":
            _put_if_absent(store, key, data)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a killed process goes on")

    LocalStore.put_if_absent = put_if_absent  # type: ignore[method-assign]  # the fault injected


if __name__ == "__main__":
    folder, job, *death = sys.argv[1:]
    if death:
        _die_at(death[0], death[1])
    print(make_farm(Path(folder)).run_inline(job).state)  # noqa: T201 - its answer
