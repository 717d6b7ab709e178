"""A Ray cluster of several raylets on this machine, each kept up by a supervisor of its own.

Real processes, as on real machines: whichever is killed, its keeper starts it again.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from real_servers import free_ports

from cluster.farm.supervise import Supervisor

_RAY = Path(sys.executable).parent / "ray"
_STORE_BYTES = 80_000_000
_HASTE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_process_group_cleanup_enabled": "true",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "8",
    "RAY_AUTH_MODE": "token",
    "OMP_NUM_THREADS": "1",
}


class Raylets:
    """A head without work, and as many nodes as `nodes` has entries ("--num-cpus 2" ...).

    What is in `head` is told to the head too, such as the work it is to do after all.
    """

    def __init__(
        self,
        folder: Path,
        nodes: Sequence[Sequence[str]],
        environment: Mapping[str, str],
        *,
        head: Sequence[str] = ("--num-cpus", "0"),
        before_start: Callable[[str], None] = lambda address: None,
    ) -> None:
        port = free_ports(1)[0]
        self.address = f"127.0.0.1:{port}"
        before_start(self.address)
        token = secrets.token_hex(16)
        self.environment = {"RAY_AUTH_TOKEN": token, **_HASTE, **environment}
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        quietly = ["sh", "-c", f'exec "$@" >>{folder}/said 2>&1', "sh"]
        self._start = [*quietly, "env", *settings, str(_RAY), "start", "--block"]
        self._start += ["--include-log-monitor", "False", "--node-ip-address", "127.0.0.1"]
        self._start += ["--object-store-memory", str(_STORE_BYTES)]
        self._keepers: list[Supervisor] = []
        self._threads: list[threading.Thread] = []
        # Sockets of Ray's have long names, and the system a limit for them.
        plain = ["--head", "--port", str(port), "--temp-dir", str(folder)]
        plain += ["--include-dashboard", "False", "--dashboard-port", str(free_ports(1)[0])]
        self._keep([*plain, *head])
        _wait_for_head(folder / "said")
        for each in nodes:
            self.add_node(each)

    def add_node(self, told: Sequence[str]) -> None:
        """Start one more, and keep it up too."""
        self._keep(["--address", self.address, *told])

    def kill_head(self) -> bool:
        """Kill the server that knows of all nodes. False where none lives just now."""
        return self._kill(self._keepers[0], b"gcs_server")

    def kill_node(self, number: int) -> bool:
        """Kill the raylet of that node, and it alone. False where none lives just now."""
        return self._kill(self._keepers[1 + number], b"raylet/raylet")

    def close(self) -> None:
        for keeper in self._keepers[::-1]:
            keeper.stop()
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _keep(self, told: Sequence[str]) -> None:
        keeper = Supervisor([*self._start, *told], first_pause_s=0.1)
        thread = threading.Thread(target=keeper.run)
        self._keepers.append(keeper)
        self._threads.append(thread)
        thread.start()

    def _kill(self, keeper: Supervisor, program: bytes) -> bool:
        for pid in _group(keeper.pid):
            if program in told_of(pid, "cmdline").split(b"\0")[0]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return True
        return False


def own_token() -> str:
    """The token that this very process uses, whatever Ray it has used before."""
    asked = [str(_RAY), "get-auth-token", "--generate"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def until(is_so: Callable[[], bool], otherwise: str, *, meanwhile: Callable[[], None]) -> None:
    """Wait for it, doing something meanwhile; five minutes are for a busy machine."""
    end_s = time.monotonic() + 300.0
    while not is_so():
        assert time.monotonic() < end_s, otherwise
        meanwhile()


def _wait_for_head(said: Path) -> None:
    """Wait until it has come up; an hour is for the slowest of machines.

    Whoever joins one that is still to fail and to be started again is aborted by Ray.
    """
    end_s = time.monotonic() + 3600.0
    while not (said.exists() and b"Ray runtime started" in said.read_bytes()):
        assert time.monotonic() < end_s, said.read_text()
        time.sleep(0.1)


def _group(leader: int | None) -> list[int]:
    return [pid for pid in all_pids() if leader is not None and _leader(pid) == leader]


def _leader(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def all_pids() -> list[int]:
    """Of every process of this machine."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def told_of(pid: int, name: str) -> bytes:
    """What the system says of a process under this name; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
