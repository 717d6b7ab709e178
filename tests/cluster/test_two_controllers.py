"""Two controllers on one store: with terms one works; without them both may, and do no harm."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import Trouble, expected_shot

from bodyswap.config import Mode
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.term import LAPSES_AFTER_S, Term
from cluster.jobs.job import JobState, Stage
from cluster.jobs.journal import Journal
from cluster.jobs.keys import JobKeys
from cluster.workers.inline import InlineRuntime

WHOLE = FrameRange(start=0, stop=40)


class _Clock:
    """Both controllers' own time, which runs as the test says."""

    now_s = 1e6

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def _controllers(farm: TinyFarm, clock: _Clock | None = None) -> Iterator[list[Controller]]:
    runtimes = [
        InlineRuntime(replace(farm.worker_config, scratch=farm.folder / f"scratch-{n}"))
        for n in range(2)
    ]
    controllers = [
        Controller(
            store=farm.store,
            runtime=runtime,
            name=f"c{n}",
            term=Term(farm.store, f"c{n}", clock) if clock else None,
        )
        for n, runtime in enumerate(runtimes)
    ]
    yield controllers
    for runtime in runtimes:
        runtime.close()


def _state(farm: TinyFarm, job: str) -> JobState:
    return farm.client.status(job).state


def _rendered(farm: TinyFarm, job: str) -> list[int]:
    """The first frames of the render shards that are committed."""
    keys = farm.store.list_keys(JobKeys(job=job).stage(Stage.RENDER))
    commits = [json.loads(farm.store.get(k) or b"") for k in keys if k.endswith("/commit.json")]
    return [commit["lease"]["shard"]["frames"]["start"] for commit in commits]


def test_both_at_work_on_one_job_deliver_one_shot(tmp_path: Path) -> None:
    farm = make_farm(tmp_path)
    request = farm.request(mode=Mode.EXACT, trouble=Trouble(frame_s=0.005))
    job = farm.client.submit(request)
    with _controllers(farm) as controllers:
        while not _state(farm, job).is_final:
            for controller in controllers:
                controller.tend(0.01)
    assert _state(farm, job) is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    entries = Journal(farm.store, job).read()
    states = Counter(entry.state for entry in entries)
    assert max(states.values()) == 1, "a change of the job was written twice"
    assert {entry.by for entry in entries if entry.by.startswith("c")} <= {"c0", "c1"}


def test_the_one_that_stands_by_goes_on_where_the_other_stops(tmp_path: Path) -> None:
    farm, clock = make_farm(tmp_path), _Clock()
    log = farm.folder / "log"
    request = farm.request(mode=Mode.EXACT, trouble=Trouble(log=str(log)))
    job = farm.client.submit(request)
    with _controllers(farm, clock) as (first, second):
        while not _rendered(farm, job):
            clock.now_s += 1.0
            first.tend(0.01)
            second.tend(0.01)
        standing_by = [entry for entry in Journal(farm.store, job).read() if entry.by == "c1"]
        assert standing_by == [], "the second worked although the first had the farm"
        # From here on the first is gone, and nobody says so.
        gone_at_s, done = clock.now_s, _rendered(farm, job)
        while not _state(farm, job).is_final:
            clock.now_s += 1.0
            second.tend(0.01)
    assert clock.now_s > gone_at_s + LAPSES_AFTER_S
    assert _state(farm, job) is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, WHOLE)
    # What was committed is not done once more; what was at work may have been.
    begun = Counter(json.loads(line)[1] for line in log.read_text().splitlines())
    assert [begun[start] for start in done] == [1] * len(done)
