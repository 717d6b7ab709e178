"""Keep a process running: start it again each time it dies, and leave nothing of it behind.

It does not know what the process does. Each life is a session of its own, so that whatever a dead
one started can be ended before the next begins.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_STEADY_AFTER_S = 60.0
"""A life of this length was a good one: the next death is met with the first pause again."""
_LEAVE_WITHIN_S = 20.0

_log = logging.getLogger(__name__)


class Supervisor:
    """Runs `command` until it ends well, or until `stop`."""

    def __init__(self, command: Sequence[str], *, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        self._command = tuple(command)
        self._first_pause_s = first_pause_s
        self._should_stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """The process that lives now."""
        return self._process.pid if self._process else None

    def run(self) -> int:
        """Keep it running, and answer its last exit code: 0, unless it was stopped."""
        pause_s = self._first_pause_s
        while True:
            started_s = time.monotonic()
            self._process = subprocess.Popen(self._command, start_new_session=True)
            code = self._wait(self._process)
            end_group(self._process.pid)
            if code == 0 or self._should_stop.is_set():
                return code
            self.deaths += 1
            if time.monotonic() > started_s + _STEADY_AFTER_S:
                pause_s = self._first_pause_s
            _log.warning("%s ended with %d; again in %.0f s", self._command[0], code, pause_s)
            if self._should_stop.wait(pause_s):
                return code
            pause_s = min(_LONGEST_PAUSE_S, 2.0 * pause_s)

    def stop(self) -> None:
        """Ask the process to leave, and do not start it again."""
        self._should_stop.set()

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while not self._should_stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=0.2)
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=_LEAVE_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def end_group(leader: int) -> None:
    """Kill whatever is left of the group of processes that `leader` led."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
