"""One shot on 1 to 1,024 workers, simulated: how well it scales, and what bends the curve.

    python bench/scaling.py [--frames 24000] [--pose-ms 120] [--render-ms 80] ...

The planner and `decide` are the real ones; workers are numbers that take as long as was measured.
Times that are not given are those that `waste.py` kept last. Between two looks of the controller
nothing happens, and it asks the store `--at-once` things at a time.
"""

import argparse
import json
import math
from dataclasses import dataclass, field, replace

from findings import KEPT, Findings

from bodyswap.config import RenderSettings
from bodyswap.timing import FrameRange
from cluster.farm.decide import Divide, Start, decide
from cluster.jobs.commit import Commit
from cluster.jobs.job import STATE_OF_STAGE, JobSpec, JobState, Stage
from cluster.jobs.lease import Held, Lease
from cluster.jobs.plan import Shard, Split, make_plan
from cluster.jobs.refs import PlateRef, SubjectRef
from cluster.jobs.snapshot import JobView, ShardView, Snapshot, WorkerView

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
KEPT_AS = {
    "pose_ms": ("pose: a worker's time", 1.0),
    "render_ms": ("render: a worker's time", 1.0),
    "solve_ms": ("solve: a worker's time", 1.0),
    "assemble_ms": ("assemble: a worker's time", 1.0),
}


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds a frame, but for `load_s`, once a worker, and the controller's own."""

    pose_ms: float
    render_ms: float
    solve_ms: float
    assemble_ms: float
    warmup_frames: int
    load_s: float
    look_s: float
    request_s: float
    requests_a_shard: float
    at_once: float

    def shard_s(self, shard: Shard) -> float:
        """How long a worker that has loaded its models takes."""
        count = len(shard.frames)
        if shard.stage is Stage.RENDER and shard.frames.start:
            count += self.warmup_frames
        each = {Stage.POSE: self.pose_ms, Stage.SOLVE: self.solve_ms,
                Stage.RENDER: self.render_ms, Stage.ASSEMBLE: self.assemble_ms}  # fmt: skip
        return count * each[shard.stage] / 1000


@dataclass
class Life:
    """What came of one shot."""

    wall_s: float = 0.0
    shards: int = 0
    stage_s: dict[Stage, float] = field(default_factory=dict)
    """When each stage ended."""


def main() -> None:
    options = _parser().parse_args()
    times = Times(**{name: getattr(options, name) for name in Times.__dataclass_fields__})
    findings = Findings("scaling", vars(options))
    alone = None
    for workers in WORKERS:
        life = live(options.frames, workers, times)
        alone = alone or life.wall_s
        share = alone / life.wall_s / workers
        spans = _spans(life.stage_s)
        serial_s = sum(spans[stage] for stage in (Stage.SOLVE, Stage.ASSEMBLE))
        note = (
            f"{life.wall_s:8.1f} s, {life.shards:5d} shards, {alone / life.wall_s:6.1f} times as"
            f" fast; solve and assembly {100 * serial_s / life.wall_s:.0f} % of it"
        )
        findings.add(f"efficiency, {workers} workers", 100 * share, "%", note)
    _bends(findings, options.frames, times)
    findings.keep()


def _bends(findings: Findings, frames: int, times: Times) -> None:
    """The wall of the most workers again, with one cost taken away at a time."""
    most = WORKERS[-1]
    whole_s = live(frames, most, times).wall_s
    without = {
        "solve": replace(times, solve_ms=0.0),
        "assembly": replace(times, assemble_ms=0.0),
        "loading models": replace(times, load_s=0.0),
        "warm-up frames": replace(times, warmup_frames=0),
        "the controller's store requests": replace(times, request_s=0.0),
        "waiting for the controller's look": replace(times, look_s=0.01),
    }
    for what, other in without.items():
        saved = 1 - live(frames, most, other).wall_s / whole_s
        findings.add(f"{most} workers would save, without {what}", 100 * saved, "%")


def live(frames: int, workers: int, times: Times) -> Life:
    """One shot from submit to its end on so many idle workers, none of which dies."""
    shot = _Shot(frames, workers, times)
    while not shot.is_done:
        shot.look()
        shot.wait()
    return shot.life


class _Shot:
    """One shot on its way, at the controller's last look."""

    def __init__(self, frames: int, workers: int, times: Times) -> None:
        self._spec, self._times = _spec(frames), times
        self._plan = make_plan(self._spec, workers=workers, warmup_frames=times.warmup_frames)
        self._views = {shard: ShardView(shard=shard) for shard in self._plan.all_shards}
        self._names = [f"w{number}" for number in range(workers)]
        self._loaded: set[str] = set()
        self._working: dict[str, _Work] = {}
        self._now_s, self._busy_until_s = 0.0, 0.0
        self.life = Life()

    @property
    def is_done(self) -> bool:
        return all(view.commit is not None for view in self._views.values())

    def look(self) -> None:
        """Decide, and do it: a shard begins when the requests for it are answered."""
        for work in self._working.values():
            share = min(1.0, max(0.0, (self._now_s - work.begun_s) / work.took_s))
            held = self._views[work.shard].held
            assert held is not None
            done = int(share * len(work.shard.frames))
            held = replace(held, frames_done=done, advanced_at_s=self._now_s)
            self._views[work.shard] = replace(self._views[work.shard], held=held)
        actions = decide(self._snapshot())
        splits = [Split(index=one.shard.index, at=one.at) for one in actions
                  if isinstance(one, Divide)]  # fmt: skip
        if splits:
            self._plan = self._plan.divided(splits)
            self._views = {shard: self._views.get(shard, ShardView(shard=shard))
                           for shard in self._plan.all_shards}  # fmt: skip
            actions = decide(self._snapshot())
        for start in actions:
            if isinstance(start, Start):
                self._start(start)

    def wait(self) -> None:
        """Until the controller's next look at which something has ended."""
        ends_s = min(work.begun_s + work.took_s for work in self._working.values())
        next_s = max(self._busy_until_s, ends_s)
        self._now_s = math.ceil(next_s / self._times.look_s) * self._times.look_s
        for worker, work in list(self._working.items()):
            if work.begun_s + work.took_s <= self._now_s:
                lease = Lease(job=self._spec.job, shard=work.shard, epoch=1, worker=worker)
                commit = Commit(lease=lease, files=(), frame_count=len(work.shard.frames))
                self._views[work.shard] = ShardView(shard=work.shard, commit=commit)
                self.life.stage_s[work.shard.stage] = self._now_s
                self.life.shards += 1
                del self._working[worker]
        self.life.wall_s = self._now_s

    def _start(self, start: Start) -> None:
        times, shard, worker = self._times, start.shard, start.worker
        asking_s = times.request_s * times.requests_a_shard / times.at_once
        self._busy_until_s = max(self._busy_until_s, self._now_s) + asking_s
        took_s = times.shard_s(shard) + (0.0 if worker in self._loaded else times.load_s)
        self._loaded.add(worker)
        self._working[worker] = _Work(shard=shard, begun_s=self._busy_until_s, took_s=took_s)
        lease = Lease(job=self._spec.job, shard=shard, epoch=1, worker=worker)
        held = Held(lease=lease, advanced_at_s=self._busy_until_s)
        self._views[shard] = replace(self._views[shard], held=held)

    def _snapshot(self) -> Snapshot:
        state = JobState.PLANNED
        for stage in Stage:
            if all(self._views[shard].commit for shard in self._plan.shards(stage)):
                continue
            state = STATE_OF_STAGE[stage]
            break
        job = JobView(
            spec=self._spec, state=state, priority=50, plan=self._plan,
            shards=tuple(self._views.values()),
        )  # fmt: skip
        crew = tuple(WorkerView(name=n, is_idle=n not in self._working) for n in self._names)
        return Snapshot(now_s=self._now_s, jobs=(job,), workers=crew, shares={})


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A shard under work."""

    shard: Shard
    begun_s: float
    took_s: float


def _spans(ended_s: dict[Stage, float]) -> dict[Stage, float]:
    before_s, spans = 0.0, {}
    for stage in Stage:
        spans[stage] = ended_s[stage] - before_s
        before_s = ended_s[stage]
    return spans


def _spec(frames: int) -> JobSpec:
    return JobSpec(
        plate=PlateRef(sha256="0" * 64, name="plate.mov", frame_count=frames),
        subject=SubjectRef(name="someone", files=()),
        frames=FrameRange(start=0, stop=frames),
        settings=RenderSettings().to_dict(),
        software="simulated",
        submitted_at="0",
    )


def _kept(name: str, otherwise: float) -> float:
    """What waste.py measured last of this, or a usual value."""
    kept = sorted((KEPT / "waste").glob("*.json"))
    figures = json.loads(kept[-1].read_text())["figures"] if kept else {}
    what, scale = KEPT_AS[name]
    return figures[what]["value"] * scale if what in figures else otherwise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=24_000)
    parser.add_argument("--pose-ms", type=float, default=_kept("pose_ms", 100.0))
    parser.add_argument("--render-ms", type=float, default=_kept("render_ms", 80.0))
    parser.add_argument("--solve-ms", type=float, default=_kept("solve_ms", 1.0))
    parser.add_argument("--assemble-ms", type=float, default=_kept("assemble_ms", 4.0))
    parser.add_argument("--warmup-frames", type=int, default=5)
    parser.add_argument("--load-s", type=float, default=6.0)
    parser.add_argument("--look-s", type=float, default=0.5)
    parser.add_argument("--request-s", type=float, default=0.02)
    parser.add_argument("--requests-a-shard", type=float, default=3.75)
    parser.add_argument("--at-once", type=float, default=32.0)
    return parser


if __name__ == "__main__":
    main()
