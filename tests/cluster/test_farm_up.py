"""A farm that is told to go leaves nothing behind, and nobody waiting."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.farm.term import Term
from cluster.jobs.keys import FARM
from cluster.stores.local import LocalStore


def _until(happened: Callable[[], object], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(0.05)


def _child(process: int) -> int:
    """The first child of the process; 0 while it has none."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0]) if children else 0


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _farm_up(store: LocalStore, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "cluster", "farm", "up", "--runtime", "inline"]
    with said.open("wb") as file:
        keeper = subprocess.Popen(
            [*command, "--store", store.url], stderr=file, start_new_session=True
        )
        try:
            # It tells of itself while it starts; it works, and can be told to go, from here on.
            _until(lambda: store.list_keys(f"{FARM}terms/"))
            yield keeper
        finally:
            keeper.terminate()
            keeper.wait(timeout=30)


def test_a_farm_that_is_told_to_go_goes_and_lets_another_have_it_at_once(tmp_path: Path) -> None:
    store, said = LocalStore(tmp_path / "store"), tmp_path / "said"
    with _farm_up(store, said) as keeper:
        worker = _child(keeper.pid)
        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(timeout=30) == 0
        assert not _lives(worker)
    assert "stopped; whatever is not committed" in said.read_text()
    assert Term(store, "next", time.monotonic).is_held()
