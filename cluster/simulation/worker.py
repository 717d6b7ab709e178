"""A simulated worker's process: it does orders as the real one does, and dies as real ones do.

Its frames are only numbers, but what it commits is real: files made from the files it was given,
so that a wrong, missing or repeated input shows in the shot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from bodyswap.errors import IntegrityError, StoreError
from bodyswap.rights.mark import DEMO_KEY, mark_of
from cluster.delivering.assemble import JOINS, checked_order
from cluster.jobs.commit import Commit, Outcome, StoredFile, put_commit, read_commit
from cluster.jobs.failures import classify
from cluster.jobs.job import Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.order import Done, Failed, Order, Progressed, Report
from cluster.jobs.plan import Shard
from cluster.rights.marking import TRACES, frame_traces
from cluster.simulation.faults import FAULTS_END_AT_S, Faults
from cluster.simulation.past import TakeOver, leave
from cluster.simulation.store import Killed, Objects, Pulse, StoreSeen
from cluster.simulation.world import World
from cluster.stores.record import content_hash, to_json
from cluster.stores.store import Store

Finish = Callable[[Store, Commit, dict[str, bytes]], Outcome]
Tell = Callable[[Report], None]

_LOOKS = 3
"""How often an attempt tells of its progress."""


def finish(store: Store, commit: Commit, data: dict[str, bytes]) -> Outcome:
    """The end of every attempt: data first, then the marker."""
    for key, content in data.items():
        store.put(key, content)
    return put_commit(store, commit)


@dataclass(kw_only=True)
class Crew:
    """What all workers of a history have in common."""

    world: World
    objects: Objects
    faults: Faults
    finish: Finish = finish
    take_over: TakeOver | None = None


class Process:
    """One worker. `tell` is its way to its controller."""

    def __init__(self, name: str, crew: Crew, tell: Tell, *, is_broken: bool) -> None:
        self.name = name
        self.is_cut_off = crew.world.now_s < FAULTS_END_AT_S and crew.world.chance(
            crew.faults.worker_cut_off
        )
        self.working_on: Lease | None = None
        self._crew = crew
        self._tell = tell
        self._is_broken = is_broken
        self._pulse = Pulse()
        self._store = StoreSeen(
            crew.objects, crew.world, crew.faults, pulse=self._pulse, takes_time=True
        )

    @property
    def is_alive(self) -> bool:
        return self._pulse.beats

    def kill(self) -> None:
        self._pulse.stop()
        self.working_on = None

    def begin(self, order: Order) -> None:
        """The order has arrived."""
        if self.is_alive:
            self.working_on = order.lease
            self._carefully(order, self._look)

    def _look(self, order: Order) -> None:
        lease = order.lease
        standing = read_commit(self._store, lease.job, lease.shard)
        if standing is not None:
            self._end(Done(lease=lease, outcome=_outcome(standing, lease)))
            return
        past = self._crew.take_over(self._store, order) if self._crew.take_over else None
        if past is not None:
            self._end(Done(lease=lease, outcome=put_commit(self._store, past)))
            return
        self._draw_fate(order)

    def _draw_fate(self, order: Order) -> None:
        world, faults = self._crew.world, self._crew.faults
        lasts_s = world.random.uniform(1.0, 20.0)
        is_peace = world.now_s >= FAULTS_END_AT_S
        if order.lease.shard.name in faults.poison_shards:
            world.after(1.0, self.kill)
        elif not is_peace and world.chance(faults.worker_dies):
            world.after(world.random.uniform(0.0, lasts_s), self.kill)
        elif not is_peace and world.chance(faults.worker_dies):
            # Before, between or after the writes of its end.
            self._pulse.ways_left = world.random.randint(0, 14)
        if not is_peace and (self._is_broken or world.chance(faults.attempt_fails)):
            error = world.random.choice((MemoryError("none left"), OSError(28, "disk full")))
            world.after(lasts_s / 2, partial(self._fail, order, error))
        elif not is_peace and world.chance(faults.worker_hangs):
            return
        else:
            self._render(order, lasts_s)

    def _render(self, order: Order, lasts_s: float) -> None:
        frames = len(order.lease.shard.frames)
        for look in range(1, _LOOKS):
            done = frames * look // _LOOKS
            report = Progressed(lease=order.lease, frames_done=done)
            self._crew.world.after(lasts_s * look / _LOOKS, partial(self._tell_if_alive, report))
        self._crew.world.after(lasts_s, partial(self._carefully, order, self._finish))

    def _finish(self, order: Order) -> None:
        if self.is_alive and self.working_on == order.lease:
            files = _make(order, self._store)
            prefix = JobKeys(job=order.lease.job).attempt(order.lease)
            data = {prefix + name: content for name, content in files.items()}
            commit = _commit(order, data)
            outcome = self._crew.finish(self._store, commit, data)
            if outcome is Outcome.WON and self._crew.take_over:
                leave(self._store, order, commit)
            self._end(Done(lease=order.lease, outcome=outcome))

    def _carefully(self, order: Order, deed: Callable[[Order], None]) -> None:
        try:
            deed(order)
        except Killed:
            self.kill()
        except StoreError as error:
            self._fail(order, error)

    def _fail(self, order: Order, error: Exception) -> None:
        if self.is_alive and self.working_on == order.lease:
            # Where it was raised is of no interest here, and takes long to tell.
            error = error.with_traceback(None)
            failure = classify(error, worker=self.name, at_s=self._crew.world.now_s)
            self._end(Failed(lease=order.lease, failure=failure))

    def _end(self, report: Report) -> None:
        self.working_on = None
        self._pulse.ways_left = None
        self._tell(report)

    def _tell_if_alive(self, report: Report) -> None:
        if self.is_alive:
            self._tell(report)


def _outcome(standing: Commit, lease: Lease) -> Outcome:
    return Outcome.WON if standing.lease == lease else Outcome.LOST


def _make(order: Order, store: Store) -> dict[str, bytes]:
    """The files of the order's shard, from the files of its inputs."""
    frames = list(order.lease.shard.frames)
    match order.lease.shard.stage:
        case Stage.POSE:
            return {"detections.npz": _packed(frames)}
        case Stage.SOLVE:
            posed = [
                frame for commit in order.inputs for frame in _read(store, commit, "detections")
            ]
            _check(posed, frames, order)
            poses = _packed(frames)
            return {"performer.npz": poses, "subject.npz": poses, "report.json": b"{}"}
        case Stage.RENDER:
            solved, *before = order.inputs
            mine = set(frames)
            _check([f for f in _read(store, solved, "subject") if f in mine], frames, order)
            # What was rendered before, as the temporal state has it.
            past = _read(store, before[0], "boundary") if before else []
            made = [rendered_frame(order.lease.shard, frame) for frame in frames]
            traces = to_json(frame_traces(mark_of(order.spec.picture_id, DEMO_KEY), ()))
            return {
                "segment.mp4": _packed(made),
                "boundary.bin": _packed([*past, *made]),
                TRACES: traces,
            }
        case Stage.ASSEMBLE:
            _, *rendered = order.inputs
            ordered = checked_order(rendered, order.spec.frames)
            shot = _packed([f for part in ordered for f in _read(store, part, "segment")])
            return {"shot.mp4": shot, JOINS: b"[]"}


def rendered_frame(shard: Shard, frame: int) -> list[int]:
    """A frame as it is rendered: its number, and what it was rendered as part of."""
    return [frame, shard.index, shard.take]


def _check(found: list[object], expected: list[int], order: Order) -> None:
    if found != expected:
        raise IntegrityError(f"{order.lease.shard} was given other frames than its own")


def _read(store: Store, commit: Commit, name: str) -> list[object]:
    file = commit.file(name)
    data = store.get(file.key)
    if data is None:
        raise IntegrityError(f"'{file.key}' was committed and is gone")
    frames: list[object] = msgspec.json.decode(data)
    return frames


def _packed(frames: Sequence[object]) -> bytes:
    return msgspec.json.encode(frames)


def _commit(order: Order, data: dict[str, bytes]) -> Commit:
    frames = order.lease.shard.frames
    return Commit(
        lease=order.lease,
        files=tuple(
            StoredFile(
                name=key.rpartition("/")[2],
                key=key,
                sha256=content_hash(content.decode()),
                size_bytes=len(content),
            )
            for key, content in data.items()
        ),
        frame_count=len(frames),
        first_pts=frames.start,
        last_pts=frames.stop - 1,
    )
