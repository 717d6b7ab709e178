"""The tiny pipeline in a worker that dies at its commit, whenever a doom lies ready for it.

Dooms are files named doom-<n>-<when> in the folder that BODYSWAP_DOOMS names; whoever removes one
is struck by it. The store fails now and then besides.
"""

import os
import random
import signal
from pathlib import Path

from tiny_pipeline import TinyPipeline

from bodyswap.errors import StoreError
from cluster.stores import local as store_local
from cluster.stores.local import LocalStore

DOOMED_PIPELINE = "doomed_pipeline:DoomedPipeline"
DOOMS = "BODYSWAP_DOOMS"
MOMENTS = ("before", "during", "after")
_STORE_FAILS = 0.01

_put_if_absent = LocalStore.put_if_absent
_write = LocalStore._write
_link = store_local._link


class DoomedPipeline(TinyPipeline):
    def __init__(self) -> None:
        make_store_fail()
        LocalStore.put_if_absent = _doomed_put  # type: ignore[method-assign]  # the fault injected


def make_store_fail() -> None:
    """From here on one write of this process in a hundred fails."""
    dice = random.Random(os.getpid())

    def write(*arguments: object) -> bool:
        if dice.random() < _STORE_FAILS:
            raise StoreError("cannot write: the store fails on purpose")
        return _write(*arguments)  # type: ignore[arg-type]

    LocalStore._write = write  # type: ignore[method-assign]  # the fault injected


def _doomed_put(store: LocalStore, key: str, data: bytes) -> bool:
    when = _claim() if key.endswith("/commit.json") else ""
    if when == "before":
        _die()
    if when == "during":
        # Everything is written, and nothing has its name yet.
        store_local._link = lambda temporary, path: _die()
    is_placed = _put_if_absent(store, key, data)
    if when == "after":
        _die()
    return is_placed


def _claim() -> str:
    for doom in sorted(Path(os.environ[DOOMS]).glob("doom-*")):
        try:
            doom.unlink()
        except FileNotFoundError:
            continue
        return doom.name.rpartition("-")[2]
    return ""


def _die() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")
