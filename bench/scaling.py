"""One shot on 1 to 1,024 workers, simulated: how well it scales, and what bends the curve.

    python bench/scaling.py [--frames 24000] [--pose-ms 120] [--render-ms 80] ...

The planner and `decide` are the real ones; workers are numbers that take as long as was measured.
Times that are not given are those that `waste.py` kept last. Between two looks of the controller
nothing happens, and it asks the store one request at a time.
"""

import argparse
import heapq
import json
import math
from dataclasses import dataclass, replace

from findings import KEPT, Findings

from bodyswap.config import RenderSettings
from bodyswap.timing import FrameRange
from cluster.farm.decide import Start, decide
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.lease import Held, Lease
from cluster.jobs.plan import Shard, make_plan
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
    busy_s: float = 0.0
    shards: int = 0
    stage_s: dict[Stage, float] | None = None


def main() -> None:
    options = _parser().parse_args()
    times = Times(**{name: getattr(options, name) for name in Times.__dataclass_fields__})
    findings = Findings("scaling", vars(options))
    alone = None
    for workers in WORKERS:
        life = live(options.frames, workers, times)
        alone = alone or life.wall_s
        share = alone / life.wall_s / workers
        serial_s = sum(life.stage_s[stage] for stage in (Stage.SOLVE, Stage.ASSEMBLE))
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
    spec = _spec(frames)
    plan = make_plan(spec, workers=workers)
    views = {shard: ShardView(shard=shard) for shard in plan.all_shards}
    names = [f"w{number}" for number in range(workers)]
    loaded: set[str] = set()
    ends: list[tuple[float, int, str, Shard]] = []
    life, now_s, state = Life(shards=len(views), stage_s={}), 0.0, JobState.PLANNED
    busy: set[str] = set()
    while any(view.commit is None for view in views.values()):
        job = JobView(spec=spec, state=state, priority=50, plan=plan, shards=tuple(views.values()))
        crew = tuple(WorkerView(name=name, is_idle=name not in busy) for name in names)
        snapshot = Snapshot(now_s=now_s, jobs=(job,), workers=crew, shares={})
        starts = [action for action in decide(snapshot) if isinstance(action, Start)]
        request_s = times.request_s * times.requests_a_shard
        for place, start in enumerate(starts):
            shard, worker = start.shard, start.worker
            lease = Lease(job=spec.job, shard=shard, epoch=1, worker=worker)
            views[shard] = replace(views[shard], held=Held(lease=lease, advanced_at_s=math.inf))
            begun_s = now_s + (place + 1) * request_s
            took_s = times.shard_s(shard) + (0.0 if worker in loaded else times.load_s)
            loaded.add(worker)
            busy.add(worker)
            life.busy_s += took_s
            heapq.heappush(ends, (begun_s + took_s, len(ends) + place, worker, shard))
        now_s = max(now_s + len(starts) * request_s, ends[0][0])
        now_s = math.ceil(now_s / times.look_s) * times.look_s
        while ends and ends[0][0] <= now_s:
            _, _, worker, shard = heapq.heappop(ends)
            lease = Lease(job=spec.job, shard=shard, epoch=1, worker=worker)
            commit = Commit(lease=lease, files=(), frame_count=len(shard.frames))
            views[shard] = ShardView(shard=shard, commit=commit)
            busy.discard(worker)
            life.stage_s[shard.stage] = now_s
    life.wall_s = now_s
    life.stage_s = _spans(life.stage_s)
    return life


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
    return parser


if __name__ == "__main__":
    main()
