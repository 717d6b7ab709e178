"""A Ray cluster of several raylets on this machine, each kept up by a supervisor of its own.

Real processes, as on real machines: whichever is killed, its keeper starts it again.
"""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
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
    """A head without work, and as many nodes as `resources` has entries ("--num-cpus 2" ...)."""

    def __init__(
        self, folder: Path, nodes: list[list[str]], environment: Mapping[str, str]
    ) -> None:
        port = free_ports(1)[0]
        self.address = f"127.0.0.1:{port}"
        self.environment = {**environment, **_HASTE, "RAY_AUTH_TOKEN": secrets.token_hex(16)}
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        quietly = ["sh", "-c", f'exec "$@" >>{folder}/said 2>&1', "sh"]
        start = [*quietly, "env", *settings, str(_RAY), "start", "--block"]
        start += ["--include-log-monitor", "False", "--node-ip-address", "127.0.0.1"]
        start += ["--object-store-memory", str(_STORE_BYTES)]
        # Sockets of Ray's have long names, and the system a limit for them.
        head = ["--head", "--port", str(port), "--temp-dir", str(folder), "--num-cpus", "0"]
        head += ["--include-dashboard", "False", "--dashboard-port", str(free_ports(1)[0])]
        commands = [head, *(["--address", self.address, *node] for node in nodes)]
        self._keepers = [Supervisor([*start, *each], first_pause_s=0.1) for each in commands]
        self._threads = [threading.Thread(target=keeper.run) for keeper in self._keepers]
        for thread in self._threads:
            thread.start()

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

    def _kill(self, keeper: Supervisor, program: bytes) -> bool:
        for pid in _group(keeper.pid):
            if program in told_of(pid, "cmdline").split(b"\0")[0]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return True
        return False


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
