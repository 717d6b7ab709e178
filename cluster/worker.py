"""One warm worker: it holds the models, and does the orders it is given.

It does not know who gives them. Inputs come from the store by key and results go back under the
attempt, committed last; frames never leave the process.
"""

import importlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bodyswap.config import RenderSettings
from bodyswap.errors import StoreError, UsageError
from bodyswap.people import Detections, PoseSequence
from bodyswap.timing import FrameRange
from cluster.assemble import checked_order
from cluster.attempt_words import overheard
from cluster.commit import Commit, Outcome, StoredFile, put_commit, read_commit, store_file
from cluster.failures import classify
from cluster.job import Stage
from cluster.keys import JobKeys
from cluster.lease import Lease
from cluster.order import Done, Ending, Failed, Order
from cluster.runtime import WorkerConfig
from cluster.scratch import Scratch
from cluster.store import Store, open_store

_log = logging.getLogger(__name__)

OnFrame = Callable[[int], None]
"""Called with the number of frames finished so far."""


class Solution(Protocol):
    """The solve step's answer: one performer's poses, in plate and in subject pixels."""

    @property
    def performer(self) -> PoseSequence: ...
    @property
    def subject(self) -> PoseSequence: ...
    @property
    def report(self) -> Mapping[str, object]: ...


class Segment(Protocol):
    """A closed piece of video on the plate's clock."""

    @property
    def path(self) -> Path: ...
    @property
    def frames(self) -> FrameRange: ...
    @property
    def first_pts(self) -> int: ...
    @property
    def last_pts(self) -> int: ...


class RenderedRange(Protocol):
    """A segment, and the temporal state that its successor may start from."""

    @property
    def segment(self) -> Segment: ...
    @property
    def boundary(self) -> bytes: ...


class Pipeline(Protocol):
    """The stages on local files, as `bodyswap.pipeline.Pipeline` has them."""

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections: ...

    def solve_shot(
        self,
        detections: Detections,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution: ...

    def solve_given_poses(
        self,
        poses: Path,
        plate: Path,
        frames: FrameRange,
        subject: Path,
        settings: RenderSettings,
    ) -> Solution: ...

    def render_range(
        self,
        plate: Path,
        frames: FrameRange,
        poses: PoseSequence,
        subject: Path,
        out: Path,
        *,
        settings: RenderSettings,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> RenderedRange: ...

    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None: ...


class Worker:
    """Does one order at a time. The pipeline, and with it torch, is loaded at the first one."""

    def __init__(
        self, name: str, *, store: Store, load: Callable[[], Pipeline], scratch: Path
    ) -> None:
        self._name = name
        self._store = store
        self._load = load
        self._scratch = Scratch(store, scratch)
        _log.setLevel(logging.INFO)

    @cached_property
    def _pipeline(self) -> Pipeline:
        return self._load()

    def run(self, order: Order, on_frame: OnFrame) -> Ending:
        """Do `order`; whatever goes wrong is reported, not raised. What was said is kept."""
        with overheard() as words:
            ending = self._try(order, on_frame)
        self._keep(order.lease, words.getvalue())
        return ending

    def execute(self, order: Order, on_frame: OnFrame) -> Outcome:
        """Do `order` and commit it, unless it is committed already.

        Raises:
            BodyswapError: see `failures` for what each kind leads to.
        """
        lease = order.lease
        standing = read_commit(self._store, lease.job, lease.shard)
        if standing is not None:
            return Outcome.WON if standing.lease == lease else Outcome.LOST
        with self._scratch.attempt(lease) as folder:
            match lease.shard.stage:
                case Stage.POSE:
                    commit = self._pose(order, folder, on_frame)
                case Stage.SOLVE:
                    commit = self._solve(order, folder)
                case Stage.RENDER:
                    commit = self._render(order, folder, on_frame)
                case Stage.ASSEMBLE:
                    commit = self._assemble(order, folder)
        return put_commit(self._store, commit)

    def _try(self, order: Order, on_frame: OnFrame) -> Ending:
        lease = order.lease
        started_s = time.monotonic()
        _log.info("%s begins %s of job %s", self._name, lease.shard, lease.job)
        try:
            outcome = self.execute(order, on_frame)
        except Exception as error:  # noqa: BLE001 - the process edge: every failure becomes a report
            _log.exception("%s failed", lease.shard)
            return Failed(lease=lease, failure=classify(error, worker=self._name, at_s=time.time()))
        _log.info("%s is %s after %.1f s", lease.shard, outcome, time.monotonic() - started_s)
        return Done(lease=lease, outcome=outcome)

    def _keep(self, lease: Lease, words: str) -> None:
        try:
            self._store.put(JobKeys(job=lease.job).log(lease), words.encode())
        except StoreError as error:
            # The shard is what counts; its end is told all the same.
            _log.warning("the log of %s is lost: %s", lease.shard, error)

    def _pose(self, order: Order, folder: Path, on_frame: OnFrame) -> Commit:
        detections = self._pipeline.pose_range(
            self._scratch.plate(order.spec.plate),
            order.lease.shard.frames,
            settings=order.settings,
            on_frame=on_frame,
        )
        return self._commit(
            order, self._stored(order, folder / "detections.npz", detections.to_bytes())
        )

    def _solve(self, order: Order, folder: Path) -> Commit:
        solution = self._solution(order, folder)
        report = json.dumps(solution.report, indent=1).encode()
        return self._commit(
            order,
            self._stored(order, folder / "performer.npz", solution.performer.to_bytes()),
            self._stored(order, folder / "subject.npz", solution.subject.to_bytes()),
            self._stored(order, folder / "report.json", report),
        )

    def _solution(self, order: Order, folder: Path) -> Solution:
        spec = order.spec
        plate, subject = self._scratch.plate(spec.plate), self._scratch.subject(spec.subject)
        if spec.poses is not None:
            poses = self._scratch.poses(spec.poses)
            return self._pipeline.solve_given_poses(
                poses, plate, spec.frames, subject, order.settings
            )
        parts = [self._read(commit, "detections", folder) for commit in order.inputs]
        detections = Detections.joined([Detections.from_bytes(part) for part in parts])
        return self._pipeline.solve_shot(detections, plate, spec.frames, subject, order.settings)

    def _render(self, order: Order, folder: Path, on_frame: OnFrame) -> Commit:
        solved, *before = order.inputs
        settings = order.settings
        rendered = self._pipeline.render_range(
            self._scratch.plate(order.spec.plate),
            order.lease.shard.frames,
            PoseSequence.from_bytes(self._read(solved, "subject", folder)),
            self._scratch.subject(order.spec.subject),
            folder / f"segment{_suffix(settings)}",
            settings=settings,
            state=self._read(before[0], "boundary", folder) if before else None,
            on_frame=on_frame,
        )
        segment = rendered.segment
        return Commit(
            lease=order.lease,
            files=(
                store_file(self._store, order.lease, segment.path),
                self._stored(order, folder / "boundary.bin", rendered.boundary),
            ),
            frame_count=len(segment.frames),
            first_pts=segment.first_pts,
            last_pts=segment.last_pts,
        )

    def _assemble(self, order: Order, folder: Path) -> Commit:
        commits = checked_order(order.inputs, order.spec.frames)
        settings = order.settings
        shot = folder / f"shot{_suffix(settings)}"
        self._pipeline.assemble_shot(
            [self._fetched(commit, "segment", folder) for commit in commits],
            self._scratch.plate(order.spec.plate),
            order.spec.frames,
            shot,
            settings=settings,
        )
        return Commit(
            lease=order.lease,
            files=(store_file(self._store, order.lease, shot),),
            frame_count=sum(commit.frame_count for commit in commits),
            first_pts=commits[0].first_pts,
            last_pts=commits[-1].last_pts,
        )

    def _commit(self, order: Order, *files: StoredFile) -> Commit:
        frames = order.lease.shard.frames
        return Commit(lease=order.lease, files=files, frame_count=len(frames))

    def _stored(self, order: Order, path: Path, data: bytes) -> StoredFile:
        path.write_bytes(data)
        return store_file(self._store, order.lease, path)

    def _read(self, commit: Commit, name: str, folder: Path) -> bytes:
        return self._fetched(commit, name, folder).read_bytes()

    def _fetched(self, commit: Commit, name: str, folder: Path) -> Path:
        shard = commit.lease.shard
        return self._scratch.file(commit.file(name), folder / "in" / f"{shard.stage}-{shard.index}")


def build_worker(name: str, config: WorkerConfig) -> Worker:
    """The worker that `config` tells of."""
    return Worker(
        name,
        store=open_store(config.store_url),
        load=partial(load_pipeline, config.pipeline),
        scratch=config.scratch,
    )


def load_pipeline(path: str) -> Pipeline:
    """An instance of the class at `path`, "module:class". The default's takes torch with it."""
    module, _, name = path.partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"pipeline '{path}' cannot be loaded: {error}") from error
    return cast(Pipeline, kind())


if TYPE_CHECKING:
    from bodyswap.pipeline import Pipeline as StagesPipeline

    def _conforms(stages: StagesPipeline) -> Pipeline:
        return stages


def _suffix(settings: RenderSettings) -> str:
    # PyAV comes with it, which nothing needs before there is work.
    from bodyswap.encode import CODECS

    return CODECS[settings.codec].suffix
