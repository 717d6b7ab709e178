"""How far one controller goes: its time, memory and store requests with very many shards.

The controller is the real one; the store's memory and the workers are simulated, so the figures
are the controller's own. python bench/farm_scale.py [--workers 1000] [--shards 100000]

With --latency-ms the store answers as slowly as a bucket does, and time that really passes is told.
"""

import argparse
import resource
import time
from pathlib import Path

from findings import Findings

from bodyswap.config import RenderSettings
from bodyswap.timing import FrameRange
from cluster.farm.controller import Controller
from cluster.farm.decide import Action, decide
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import JobKeys, queue_marker, time_part
from cluster.jobs.refs import PlateRef, SubjectRef
from cluster.jobs.snapshot import Snapshot
from cluster.simulation.faults import Faults
from cluster.simulation.runtime import SimulatedRuntime
from cluster.simulation.store import Objects, StoreSeen
from cluster.simulation.worker import Crew
from cluster.simulation.world import World
from cluster.stores.record import to_yaml

EPOCH_S = 1.8e9
FRAMES_A_SHARD = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--job-shards", type=int, default=1_000, help="Of each of a job's stages.")
    parser.add_argument("--seconds", type=int, default=60, help="Of the farm's life.")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="Of a store request.")
    parser.add_argument("--at-once", type=int, default=1, help="Requests that the store is asked.")
    asked = parser.parse_args()
    world, objects, faults = World(0), Objects(), Faults(store_delay_s=0.0)
    store = StoreSeen(objects, world, faults)
    jobs = asked.shards // (2 * asked.job_shards)
    for number in range(jobs):
        submit(store, number, asked.job_shards)
    crew = Crew(world=world, objects=objects, faults=faults)
    runtime = SimulatedRuntime("w", asked.workers, crew, lambda order, processes: None)
    before_mib = memory_mib()
    counted = CountedStore(objects, world, faults)
    counted.latency_s = asked.latency_ms / 1e3
    decided = Decided()
    controller = Controller(
        store=counted, runtime=runtime, clock=lambda: EPOCH_S + world.now_s, decide_next=decided,
        requests_at_once=asked.at_once,
    )  # fmt: skip
    busy_s, wall_s = lived(controller, world, until_s=1.0)
    findings = Findings("farm_scale", vars(asked) | {"jobs": jobs})
    findings.add("taking up, planning, giving every worker a shard", busy_s, "s of CPU")
    findings.add("the same by the clock on the wall", wall_s, "s")
    findings.add("memory", memory_mib() - before_mib, "MiB")
    requests, decided.count, decided.took_s = counted.requests, 0, 0.0
    done_before = done(objects)
    busy_s, wall_s = lived(controller, world, until_s=1.0 + asked.seconds)
    shards = done(objects) - done_before
    findings.add(f"shards in {asked.seconds} s of the farm's life", shards, "shards")
    findings.add("a shard, CPU", 1e3 * busy_s / shards, "ms")
    findings.add("a shard, store requests", (counted.requests - requests) / shards, "requests")
    findings.add("deciding alone", decided.count / decided.took_s, "actions/s")
    findings.add("a look at the farm", 1e3 * decided.took_s / asked.seconds, "ms")
    findings.add("by the clock on the wall", shards / wall_s, "shards/s")
    findings.keep()


class CountedStore(StoreSeen):
    """The controller's own way to the store: what its workers ask is not counted."""

    requests = 0
    latency_s = 0.0

    def _before(self, verb: str, key: str) -> None:
        self.requests += 1
        super()._before(verb, key)
        if self.latency_s:
            time.sleep(self.latency_s)


class Decided:
    """`decide`, with its time taken."""

    count = 0
    took_s = 0.0

    def __call__(self, snapshot: Snapshot) -> list[Action]:
        started_s = time.process_time()
        actions = decide(snapshot)
        self.took_s += time.process_time() - started_s
        self.count += len(actions)
        return actions


def lived(controller: Controller, world: World, *, until_s: float) -> tuple[float, float]:
    """Let the farm live on; the controller's CPU seconds, and those that passed on the wall."""
    busy_s = wall_s = 0.0
    while world.now_s < until_s:
        started_s, began_s = time.process_time(), time.perf_counter()
        controller.tend(0.0)
        busy_s += time.process_time() - started_s
        wall_s += time.perf_counter() - began_s
        world.pass_time(1.0)
    return busy_s, wall_s


def submit(store: StoreSeen, number: int, shards: int) -> None:
    frames = FrameRange(start=0, stop=shards * FRAMES_A_SHARD)
    spec = JobSpec(
        plate=PlateRef(sha256=f"{number:064x}", name="plate.mov", frame_count=frames.stop),
        subject=SubjectRef(name="someone", files=()),
        frames=frames,
        settings=RenderSettings().to_dict(),
        software="simulated",
        shards=shards,
        project=f"project-{number % 5}",
        submitted_at=time_part(EPOCH_S),
    )
    store.put(JobKeys(job=spec.job).spec, to_yaml(spec))
    Journal(store, spec.job).open(Entry(state=JobState.SUBMITTED, at_s=EPOCH_S, by="kim"))
    store.put(queue_marker(spec, time_part(EPOCH_S)), b"")


def done(objects: Objects) -> int:
    return sum(key.endswith("commit.json") for key in objects.list_keys("jobs/"))


def memory_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
