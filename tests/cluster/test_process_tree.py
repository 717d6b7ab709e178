"""A killed process leaves no child, and whoever ends one knows when it is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster.workers.process_tree import Process, end_tree, find_process

_PARENT = """
import subprocess, sys, time
from cluster.workers.process_tree import lead_group
process = lead_group()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(process.pid, process.started, child.pid, flush=True)
time.sleep(600)
"""


def _parent() -> tuple[subprocess.Popen[str], Process, int]:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as said:
        pid, started, child = map(int, said.readline().split())
    return parent, Process(pid=pid, started=started), child


def _is_gone(pid: int) -> bool:
    end_s = time.monotonic() + 30.0
    while find_process(pid) is not None:
        if time.monotonic() > end_s:
            return False
        time.sleep(0.02)
    return True


def test_what_a_killed_process_has_started_is_killed_too() -> None:
    parent, process, child = _parent()
    assert process.is_alive and find_process(child)
    os.kill(process.pid, signal.SIGKILL)
    parent.wait()
    assert _is_gone(child)


def test_whoever_ends_a_process_knows_that_it_and_its_children_are_gone() -> None:
    parent, process, child = _parent()
    # Stopped, it does not even hear that it is to go.
    os.kill(process.pid, signal.SIGSTOP)
    assert end_tree(process, within_s=30.0)
    assert not process.is_alive and _is_gone(child)
    parent.wait()


def test_a_process_that_got_the_number_of_a_dead_one_is_left_alone() -> None:
    this = find_process(os.getpid())
    assert this is not None
    earlier = Process(pid=this.pid, started=this.started - 1)
    assert not earlier.is_alive and end_tree(earlier, within_s=0.0)


def test_remains_of_a_dead_process_are_no_process(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert _is_gone(child.pid), "it is dead, though nobody has asked after it"
    child.wait()
