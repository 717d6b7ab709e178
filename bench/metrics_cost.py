"""What measuring costs: a worker's share of its time, and the controller's for very many shards.

python bench/metrics_cost.py [--frames 200] [--shards 100000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.device import on_device
from bodyswap.steps import StepClock, clocked, each_step, step
from bodyswap.timing import FrameRange
from cluster.jobs.figures import Gauge
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.lease import Held, Lease
from cluster.jobs.plan import Shard, make_plan
from cluster.jobs.refs import PlateRef, SubjectRef
from cluster.jobs.snapshot import JobView, ShardView, Snapshot
from cluster.metering.farm_meter import FarmMeter
from cluster.stores.local import LocalStore
from cluster.stores.tally import TALLY

FRAMES = FrameRange(start=0, stop=24)
HEARTBEATS_A_SECOND = 4
FASTEST_FRAME_S = 0.01
"""A hundred frames a second: far faster than any worker here was seen to render."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=100_000)
    asked = parser.parse_args()
    a_frame_s = per_call(asked.frames, measured_frames)
    a_beat_s = per_call(2_000, heartbeats)
    share = a_frame_s / FASTEST_FRAME_S + a_beat_s * HEARTBEATS_A_SECOND
    print(f"steps, device and one store request: {1e6 * a_frame_s:.1f} us a frame")
    print(f"a heartbeat's figures: {1e6 * a_beat_s:.0f} us, {HEARTBEATS_A_SECOND} a second")
    print(f"of a worker that renders {1 / FASTEST_FRAME_S:.0f} frames a second: {share:.3%}")
    looks(asked.shards)


def per_call(count: int, work: Callable[[int], float]) -> float:
    """Seconds for each of `count`, the best of three."""
    return min(work(count) for _ in range(3)) / count


def measured_frames(count: int) -> float:
    """What a rendered frame is measured with: encode around composite around render."""

    def frames() -> Iterator[int]:
        for number in range(count):
            with step("render"), on_device("cpu"):
                pass
            with step("composite"):
                pass
            yield number

    began_s = time.perf_counter()
    with clocked(StepClock()), step("encode"):
        for _ in each_step("decode", frames()):
            TALLY.asked("PutObject", "ok")
    with_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    for _ in iter(range(count)):
        pass
    return with_s - (time.perf_counter() - began_s)


def heartbeats(count: int) -> float:
    gauge, lease = (
        Gauge(),
        Lease(
            job="j", shard=Shard(stage=Stage.RENDER, index=0, frames=FRAMES), epoch=1, worker="w"
        ),
    )
    began_s = time.perf_counter()
    with gauge.measuring(lease):
        for _ in range(count):
            gauge.read(lease)
    return time.perf_counter() - began_s


def looks(shards: int) -> None:
    """The controller's looks at a farm where a shard of every job moves each time."""
    jobs = [job(number, shards // 100) for number in range(100)]
    with tempfile.TemporaryDirectory() as folder:
        meter = FarmMeter(LocalStore(Path(folder)))
        meter.look(Snapshot(now_s=0.0, jobs=tuple(jobs), workers=(), shares={}))
        count = 20
        began_s = time.perf_counter()
        for now in range(count):
            jobs = [moved(each, now) for each in jobs]
        moving_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        for now in range(count, 2 * count):
            jobs = [moved(each, now) for each in jobs]
            meter.look(Snapshot(now_s=float(now), jobs=tuple(jobs), workers=(), shares={}))
        look_s = (time.perf_counter() - began_s - moving_s) / count
        began_s = time.perf_counter()
        series = sum(len(family.samples) for family in meter.collector.collect())
        scrape_s = time.perf_counter() - began_s
    print(
        f"a look at 100 jobs, {len(jobs[0].shards) * 100} shards: {1e3 * look_s:.1f} ms, 5 a second"
    )
    print(f"a scrape: {1e3 * scrape_s:.1f} ms, {series} series")


def job(number: int, shards: int) -> JobView:
    frames = FrameRange(start=0, stop=24 * shards)
    spec = JobSpec(
        plate=PlateRef(sha256=f"{number:064x}", name="plate.mp4", frame_count=frames.stop),
        subject=SubjectRef(name="vega", files=()), frames=frames,
        settings=RenderSettings().to_dict(), software="bench", shards=shards,
    )  # fmt: skip
    plan = make_plan(spec, workers=1)
    views = tuple(ShardView(shard=shard) for shard in plan.all_shards)
    return JobView(spec=spec, state=JobState.RENDERING, priority=50, plan=plan, shards=views)


def moved(view: JobView, now: int) -> JobView:
    """The job a moment later: another of its shards is held."""
    shards = list(view.shards)
    index = now % len(shards)
    shards[index] = replace(shards[index], held=held(view.spec.job, shards[index].shard, now))
    return replace(view, shards=tuple(shards))


def held(job: str, shard: Shard, now: int) -> Held:
    lease = Lease(job=job, shard=shard, epoch=1, worker="w")
    return Held(lease=lease, advanced_at_s=float(now))


if __name__ == "__main__":
    main()
