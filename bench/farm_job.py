"""One whole job on a farm of this process's own, with what its workers told and when.

    python bench/farm_job.py PLATE STORE --runtime ray --workers 1

The store, leases, commits, signatures and every check are the real ones. Not in it: fetching the
shot to files, which the farm is done before.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.errors import JobError
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.farm.controller import Controller
from cluster.jobs.figures import Figures
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.order import Progressed, Report
from cluster.shot import open_runtime
from cluster.stores.opening import open_store
from cluster.workers.metered import MeteredRuntime


@dataclass
class JobTimes:
    """Seconds since the job was asked for. `work_s` and `step_s` are sums over its workers."""

    submitted_s: float = 0.0
    crew_s: float = 0.0
    first_order_s: float = 0.0
    first_frame_s: dict[Stage, float] = field(default_factory=dict)
    began_s: dict[Stage, float] = field(default_factory=dict)
    ended_s: dict[Stage, float] = field(default_factory=dict)
    worker_ended_s: dict[Stage, dict[str, float]] = field(default_factory=dict)
    work_s: Counter[Stage] = field(default_factory=Counter)
    step_s: Counter[str] = field(default_factory=Counter)
    published_s: float = 0.0


def run_job(
    plate: Path, store_folder: Path, *, runtime: str, workers: int, shards: int | None = None,
    subject: str = "vega", settings: RenderSettings | None = None,
) -> JobTimes:  # fmt: skip
    """Submit and work until it is published. Raises JobError where it is not."""
    times, zero_s = JobTimes(), time.perf_counter()

    def now_s() -> float:
        return time.perf_counter() - zero_s

    def begin(lease: Lease) -> None:
        times.first_order_s = times.first_order_s or now_s()
        times.began_s.setdefault(lease.shard.stage, now_s())

    def hear(report: Report) -> None:
        stage, figures = report.lease.shard.stage, report.figures or Figures()
        if isinstance(report, Progressed):
            if report.frames_done:
                times.first_frame_s.setdefault(stage, now_s())
            return
        times.ended_s[stage] = now_s()
        times.worker_ended_s.setdefault(stage, {})[report.lease.worker] = now_s()
        times.work_s[stage] += figures.work_s
        times.step_s.update(figures.step_s)

    store = open_store(str(store_folder))
    request = JobRequest(
        plate=plate, subject=subject, shards=shards, settings=settings or RenderSettings()
    )
    job = Client(store).submit(request)
    times.submitted_s = now_s()
    with open_runtime(runtime, store.url, workers) as crew:
        times.crew_s = now_s()
        metered = MeteredRuntime(crew, begin=begin, hear=hear)
        status = Controller(store=store, runtime=metered).run_until_final(job)
        times.published_s = now_s()
    if status.state is not JobState.PUBLISHED:
        raise JobError(f"the job ended {status.state}: {status.message}")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plate", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--runtime", default="ray")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    times = run_job(options.plate, options.store, runtime=options.runtime, workers=options.workers)
    print(f"{times.published_s:.2f}")


if __name__ == "__main__":
    main()
