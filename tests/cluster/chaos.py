"""Kill a real farm's processes until enough have died, and see that nothing else is different.

python tests/cluster/chaos.py --kills 200: the long version of test_chaos.py.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from doomed_pipeline import DOOMS, MOMENTS
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble

from bodyswap.config import Mode
from cluster.job import JobState
from cluster.journal import Journal
from cluster.submit import JobRequest
from cluster.supervise import Supervisor

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_TOKEN = "BODYSWAP_CHAOS"
_ACTOR = b"ray::_ActorProcess"
_SHARDS = 6
_STRIKES = ("worker", *MOMENTS, "controller")


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """What came of it. `different` names the jobs whose shot is not that of the quiet run."""

    kills: Counter[str]
    states: Counter[JobState]
    different: tuple[str, ...]
    orphans: tuple[int, ...]
    attempts: int
    took_s: float


def wreak(folder: Path, *, kills: int, seed: int, patience_s: float) -> Chaos:
    """Run jobs while killing, until `kills` processes are dead and every job is over."""
    started_s = time.monotonic()
    token = uuid.uuid4().hex
    dooms = folder / "dooms"
    dooms.mkdir(parents=True)
    monkey = _Monkey(make_farm(folder), dooms, token, random.Random(seed))
    environment = {**os.environ, _TOKEN: token, DOOMS: str(dooms)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(HERE)])
    with closing(monkey):
        monkey.submit_another()
        while sum(monkey.kills.values()) < kills or not monkey.are_all_over:
            assert time.monotonic() < started_s + patience_s, f"no end: {monkey.states}"
            monkey.supervise(_controller(folder, environment))
            if sum(monkey.kills.values()) < kills:
                monkey.strike()
            time.sleep(0.1)
    return Chaos(
        kills=monkey.kills,
        states=Counter(monkey.states.values()),
        different=tuple(job for job in monkey.requests if not monkey.is_as_if_quiet(job)),
        orphans=_gone_or_left(token),
        attempts=monkey.attempts,
        took_s=time.monotonic() - started_s,
    )


class _Monkey:
    def __init__(self, farm: TinyFarm, dooms: Path, token: str, dice: random.Random) -> None:
        self._farm = farm
        self._dooms = dooms
        self._token = token
        self._dice = dice
        self._supervisor: Supervisor | None = None
        self._thread: threading.Thread | None = None
        self._to_do: list[str] = []
        self._attempts_before = 0
        self.requests: dict[str, JobRequest] = {}
        self.kills: Counter[str] = Counter()

    @property
    def states(self) -> dict[str, JobState]:
        return {job: self._farm.client.status(job).state for job in self.requests}

    @property
    def are_all_over(self) -> bool:
        return all(state.is_final for state in self.states.values())

    @property
    def attempts(self) -> int:
        return sum("/lease-" in key for key in self._farm.store.list_keys("jobs/"))

    def submit_another(self) -> None:
        number = len(self.requests)
        mode = Mode.EXACT if number % 3 == 2 else Mode.FAST
        inputs = self._farm.folder / f"inputs-{number}"
        inputs.mkdir()
        request = TinyFarm(folder=inputs, store=self._farm.store).request(
            frame_count=60 + number, shards=_SHARDS, mode=mode, trouble=Trouble(frame_s=0.02)
        )
        self.requests[self._farm.client.submit(request)] = request

    def supervise(self, command: list[str]) -> None:
        """Have a supervised controller wherever none is left: it ends when the queue is empty."""
        if self._thread is None or not self._thread.is_alive():
            if self.are_all_over:
                self.submit_another()
            self._supervisor = Supervisor(command, first_pause_s=0.1)
            self._thread = threading.Thread(target=self._supervisor.run)
            self._thread.start()

    def close(self) -> None:
        if self._supervisor is not None and self._thread is not None:
            self._supervisor.stop()
            self._thread.join(timeout=60)
            assert not self._thread.is_alive()

    def strike(self) -> None:
        """Kill something, unless the next worker's death would be a shard's third."""
        if self.are_all_over:
            self.submit_another()
        time.sleep(self._dice.uniform(0.1, 1.0))
        if self.attempts == self._attempts_before:
            # It has not come to work since the last strike: there is nothing to disturb.
            return
        self._to_do = self._to_do or self._dice.sample(_STRIKES, len(_STRIKES))
        what = self._to_do[-1]
        if what == "controller":
            self._to_do.pop()
            self._attempts_before = self.attempts
            self._kill(self._supervisor.pid if self._supervisor else None, what)
        elif not self._has_weak_shard() and not list(self._dooms.iterdir()):
            self._to_do.pop()
            before = self._deaths()
            if what == "worker":
                actors = [pid for pid in _pids(self._token) if _ACTOR in _read(pid, "cmdline")]
                self._kill(self._dice.choice(actors) if actors else None, what)
            else:
                (self._dooms / f"doom-{sum(self.kills.values())}-{what}").touch()
                self.kills[f"{what} commit"] += self._is_claimed()
            self._wait_until_noted(before)

    def is_as_if_quiet(self, job: str) -> bool:
        """Whether the shot is frame for frame what a run without a death renders."""
        with TemporaryDirectory() as folder:
            quiet = make_farm(Path(folder))
            assert quiet.client.submit(self.requests[job]) == job
            assert quiet.run_inline(job).state is JobState.PUBLISHED
            return quiet.fetched_shot(job) == self._farm.fetched_shot(job)

    def _kill(self, pid: int | None, what: str) -> None:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[what] += 1

    def _is_claimed(self) -> bool:
        for _ in range(100):
            if not list(self._dooms.iterdir()):
                return True
            time.sleep(0.1)
        for doom in self._dooms.iterdir():
            with suppress(FileNotFoundError):
                doom.unlink()
                return False
        return True

    def _wait_until_noted(self, before: int) -> None:
        for _ in range(60):
            if self._deaths() > before:
                return
            time.sleep(0.1)

    def _deaths(self) -> int:
        return sum(self._failures().values())

    def _has_weak_shard(self) -> bool:
        return max(self._failures().values(), default=0) > 1

    def _failures(self) -> Counter[tuple[str, str]]:
        return Counter(
            (job, entry.shard.name)
            for job, state in self.states.items()
            if not state.is_final
            for entry in Journal(self._farm.store, job).read()
            if entry.shard and entry.failure and entry.failure.cause.blames_input
        )


def _controller(folder: Path, environment: dict[str, str]) -> list[str]:
    names = (_TOKEN, DOOMS, "PYTHONPATH")
    settings = [f"{name}={environment[name]}" for name in names]
    return [
        "env",
        *settings,
        sys.executable,
        str(HERE / "chaos_controller.py"),
        str(folder),
    ]


def _pids(token: str) -> list[int]:
    marked = f"{_TOKEN}={token}".encode()
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if marked in _read(pid, "environ")]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _gone_or_left(token: str) -> tuple[int, ...]:
    """Whatever of it still runs half a minute after the end."""
    for _ in range(150):
        if not _pids(token):
            return ()
        time.sleep(0.2)
    return tuple(_pids(token))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        chaos = wreak(Path(folder), kills=asked.kills, seed=asked.seed, patience_s=36_000)
    sys.stdout.write(f"{chaos}\n")
    is_well = set(chaos.states) == {JobState.PUBLISHED} and not chaos.different
    sys.exit(not is_well or bool(chaos.orphans))


if __name__ == "__main__":
    main()
