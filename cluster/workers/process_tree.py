"""A process and whatever it has started end together, however it ends.

It does not know what the process does. One that is killed can clean up nothing, so another waits
for its end, and kills what is left of its group.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY_S = 0.02
_WATCH = """
import os, select, signal, sys
leader, handle = map(int, sys.argv[1:])
select.select([handle], [], [])
try:
    os.killpg(leader, signal.SIGKILL)
except ProcessLookupError:
    pass
"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of this machine; `started`, in the system's ticks, tells it from one that got its
    number later.
    """

    pid: int
    started: int

    @property
    def is_alive(self) -> bool:
        return find_process(self.pid) == self


def find_process(pid: int) -> Process | None:
    """The process of that number; None where there is none, or only its remains."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold anything.
    state, *numbers = facts.rpartition(")")[2].split()
    return None if state in "ZX" else Process(pid=pid, started=int(numbers[18]))


def lead_group() -> Process:
    """Let all that this process starts end with it, however it ends, from now on."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    # Opened here, so that it is this process that is watched, however soon it dies.
    handle = os.pidfd_open(os.getpid())
    subprocess.Popen(
        [sys.executable, "-ISc", _WATCH, str(os.getpid()), str(handle)],
        pass_fds=[handle],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(handle)
    this = find_process(os.getpid())
    assert this is not None
    return this


def end_tree(process: Process, within_s: float) -> bool:
    """Kill the process and its group; True once it is certain that it is gone."""
    end_s = time.monotonic() + within_s
    while process.is_alive:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if time.monotonic() > end_s:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
