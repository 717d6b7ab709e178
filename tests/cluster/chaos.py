"""Kill a real farm's processes until enough have died, and see that nothing else is different.

PYTHONPATH=. python tests/cluster/chaos.py --kills 200: the long version of test_chaos.py.
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
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from doomed_pipeline import DOOMS, MOMENTS
from raylets import Raylets, all_pids, told_of
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble

from bodyswap.config import Mode
from cluster.asking.submit import JobRequest
from cluster.farm.supervise import Supervisor
from cluster.jobs.job import JobState
from cluster.jobs.journal import Journal
from tests.rights.tiny_papers import write_rights

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_TOKEN = "BODYSWAP_CHAOS"
_ACTOR = b"ray::ActorProcess"
_SHARDS = 6
_STRIKES = (*(4 * ("worker", *MOMENTS, "controller")), "raylet", "head")
_NODES = 2
_NOTED_WITHIN_S = 30.0
"""A death that is not in a journal by then was of nobody at work, or is told late."""
_CONTROLLERS = 2


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """What came of it. `different` names the jobs whose shot is not that of the quiet run.

    `leaked` are the actors left when every controller was gone, `orphans` what was left of all.
    """

    kills: Counter[str]
    states: Counter[JobState]
    different: tuple[str, ...]
    leaked: tuple[int, ...]
    orphans: tuple[int, ...]
    attempts: int
    took_s: float


def wreak(
    folder: Path,
    *,
    kills: int,
    seed: int,
    patience_s: float,
    say: Callable[[str], None] = lambda told: None,
) -> Chaos:
    """Run jobs while killing, until `kills` processes are dead and every job is over."""
    started_s = time.monotonic()
    token = uuid.uuid4().hex
    dooms = folder / "dooms"
    dooms.mkdir(parents=True)
    environment = {_TOKEN: token, DOOMS: str(dooms)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(HERE)])
    with TemporaryDirectory(prefix="ray-") as short:
        raylets = Raylets(Path(short), _NODES * [["--num-cpus", "2"]], environment)
        with closing(raylets):
            monkey = _Monkey(make_farm(folder), raylets, dooms, token, random.Random(seed))
            with closing(monkey):
                monkey.submit_another()
                while monkey.killed < kills or not monkey.are_all_over:
                    assert time.monotonic() < started_s + patience_s, f"no end: {monkey.told}"
                    monkey.supervise(_controller(folder, raylets))
                    if monkey.killed < kills:
                        monkey.strike()
                        say(f"{time.monotonic() - started_s:.0f} s: {monkey.told}")
                    time.sleep(0.1)
            leaked = _gone_or_left(lambda: _actors(token))
    return Chaos(
        kills=monkey.kills,
        states=Counter(monkey.states.values()),
        different=tuple(job for job in monkey.requests if not monkey.is_as_if_quiet(job)),
        leaked=leaked,
        orphans=_gone_or_left(lambda: _pids(token)),
        attempts=monkey.attempts,
        took_s=time.monotonic() - started_s,
    )


class _Monkey:
    def __init__(
        self, farm: TinyFarm, raylets: Raylets, dooms: Path, token: str, dice: random.Random
    ) -> None:
        self._farm = farm
        self._raylets = raylets
        self._dooms = dooms
        self._token = token
        self._dice = dice
        self._supervised: list[tuple[Supervisor, threading.Thread]] = []
        self._to_do: list[str] = []
        self._attempts_before = 0
        self._unnoted: tuple[int, float] | None = None
        self._never_noted = 0
        self.requests: dict[str, JobRequest] = {}
        self.kills: Counter[str] = Counter()

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    @property
    def told(self) -> str:
        """Where it stands, in short."""
        return f"{dict(self.kills)}, {dict(Counter(self.states.values()))}"

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
        """Have all controllers under supervision; one works, and the others stand by."""
        while len(self._supervised) < _CONTROLLERS:
            supervisor = Supervisor(command, first_pause_s=0.1)
            thread = threading.Thread(target=supervisor.run)
            self._supervised.append((supervisor, thread))
            thread.start()

    def close(self) -> None:
        for supervisor, thread in self._supervised:
            supervisor.stop()
            thread.join(timeout=60)
            assert not thread.is_alive()

    def strike(self) -> None:
        """Kill something, unless the next worker's death would be a shard's third."""
        if self.are_all_over:
            self._never_noted = 0
            self.submit_another()
        time.sleep(self._dice.uniform(0.1, 1.0))
        if self.attempts == self._attempts_before:
            # It has not come to work since the last strike: there is nothing to disturb.
            return
        self._to_do = self._to_do or self._dice.sample(_STRIKES, len(_STRIKES))
        what = self._to_do[-1]
        if what in ("worker", *MOMENTS):
            self._to_do.pop()
            # A death that is not noted yet may be the weak shard's second.
            if self._is_noted() and not self._has_weak_shard() and not list(self._dooms.iterdir()):
                self._strike_worker(what)
            else:
                self._to_do.insert(0, what)
        else:
            self._to_do.pop()
            self._attempts_before = self.attempts
            self.kills[what] += self._is_killed(what)

    def _is_killed(self, what: str) -> bool:
        match what:
            case "raylet":
                return self._raylets.kill_node(self._dice.randrange(_NODES))
            case "head":
                return self._raylets.kill_head()
        supervisor, _ = self._dice.choice(self._supervised)
        return _is_killed(supervisor.pid)

    def _strike_worker(self, what: str) -> None:
        # What died after its commit did its work, and is in no journal.
        self._unnoted = None if what == "after" else (self._deaths(), time.monotonic())
        if what == "worker":
            actors = _actors(self._token)
            self.kills[what] += _is_killed(self._dice.choice(actors) if actors else None)
        else:
            (self._dooms / f"doom-{self.killed}-{what}").touch()
            self.kills[f"{what} commit"] += self._is_claimed()

    def is_as_if_quiet(self, job: str) -> bool:
        """Whether the shot is frame for frame what a run without a death renders."""
        with TemporaryDirectory() as folder:
            quiet = make_farm(Path(folder))
            assert quiet.client.submit(self.requests[job]) == job
            assert quiet.run_inline(job).state is JobState.PUBLISHED
            return quiet.fetched_shot(job) == self._farm.fetched_shot(job)

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

    def _is_noted(self) -> bool:
        """Whether the last worker's death is in a journal, if it ever will be."""
        if self._unnoted is not None:
            deaths, struck_s = self._unnoted
            if self._deaths() != deaths:
                self._unnoted = None
            elif time.monotonic() > struck_s + _NOTED_WITHIN_S:
                self._unnoted = None
                self._never_noted += 1
        return self._unnoted is None

    def _deaths(self) -> int:
        return sum(self._failures().values())

    def _has_weak_shard(self) -> bool:
        """Whether some shard may have lost two workers, counting deaths that may yet be told."""
        return max(self._failures().values(), default=0) + self._never_noted > 1

    def _failures(self) -> Counter[tuple[str, str]]:
        return Counter(
            (job, entry.shard.name)
            for job, state in self.states.items()
            if not state.is_final
            for entry in Journal(self._farm.store, job).read()
            if entry.shard and entry.failure and entry.failure.cause.blames_input
        )


def _controller(folder: Path, raylets: Raylets) -> list[str]:
    settings = [f"{name}={value}" for name, value in raylets.environment.items()]
    program = [sys.executable, str(HERE / "chaos_controller.py")]
    return ["env", *settings, *program, str(folder), raylets.address]


def _is_killed(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _actors(token: str) -> list[int]:
    return [pid for pid in _pids(token) if _ACTOR in told_of(pid, "cmdline")]


def _pids(token: str) -> list[int]:
    marked = f"{_TOKEN}={token}".encode()
    return [pid for pid in all_pids() if marked in told_of(pid, "environ")]


def _gone_or_left(found: Callable[[], list[int]]) -> tuple[int, ...]:
    """Whatever of it still runs half a minute after the end."""
    for _ in range(150):
        if not found():
            return ()
        time.sleep(0.2)
    return tuple(found())


def _say(told: str) -> None:
    sys.stderr.write(f"{told}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["BODYSWAP_RIGHTS"] = str(write_rights(Path(folder) / "rights.yaml"))
        chaos = wreak(Path(folder), kills=asked.kills, seed=asked.seed, patience_s=36_000, say=_say)
    sys.stdout.write(f"{chaos}\n")
    is_well = set(chaos.states) == {JobState.PUBLISHED} and not chaos.different
    sys.exit(not is_well or bool(chaos.leaked or chaos.orphans))


if __name__ == "__main__":
    main()
