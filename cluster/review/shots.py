"""Shots as the page shows them: what is known of a job, its frames' times, poses and graphs.

It only looks. What it has seen it keeps for a moment (see `glances`), what cannot change for good.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from bodyswap.errors import JobError
from bodyswap.media.index import ClipIndex, as_set, index_clip
from bodyswap.people import PoseSequence
from bodyswap.rights.permit import Deed
from bodyswap.rights.refusal import RefusedError
from bodyswap.rights.trust import operator_trust
from bodyswap.timecode import Timecode
from cluster.client import Client
from cluster.delivering.preview import Preview, PreviewReader
from cluster.delivering.publish import read_manifest
from cluster.delivering.sealing import is_sealed
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.keys import key_part
from cluster.jobs.listing import names_of
from cluster.jobs.observe import read_spec
from cluster.jobs.progress import JobSummary
from cluster.jobs.refs import PlateRef
from cluster.review.answers import (
    ConsentAnswer,
    JoinMark,
    Limb,
    PoseAnswer,
    ShardAnswer,
    StatusAnswer,
    TimelineAnswer,
)
from cluster.review.glances import Glances
from cluster.rights.doors import covering_all
from cluster.stores.store import Store
from cluster.telling.scene import Why
from cluster.telling.seen import JobSeen, ShardSeen
from cluster.workers.scratch import Scratch

GLANCE_S = 0.7


class NotThereError(JobError):
    """There is no such job, or no such frame of it."""


_MOST_READERS = 256


class Shots:
    """The jobs of one store, for everybody who looks at the page."""

    def __init__(
        self, store: Store, folder: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.clock = clock
        self.folder = folder
        self.scratch = Scratch(store, folder)
        self.glances = Glances(GLANCE_S)
        self._readers: dict[str, PreviewReader] = {}
        self._clip = lru_cache(maxsize=64)(self._read_clip)
        self._poses = lru_cache(maxsize=32)(self._read_poses)

    def client(self, by: str = "") -> Client:
        """What asks in the name of `by`."""
        return Client(self.store, by=by, clock=self.clock)

    def spec(self, job: str) -> JobSpec:
        """The job's spec. Raises NotThereError."""
        found = self.glances.get(("spec", job), lambda: self._read_spec(job))
        if found is None:
            raise NotThereError(f"'{job[:80]}' is no job's id here")
        return found

    def jobs(self, pattern: str) -> tuple[JobSummary, ...]:
        """The jobs that the pattern fits, all without one; the latest submitted first."""
        return self.glances.get(("jobs", pattern), lambda: self._list(pattern))

    def status(self, job: str) -> StatusAnswer:
        """As `status --json` tells it."""
        self.spec(job)
        return self.glances.get(("status", job), lambda: self._status(job))

    def seen(self, job: str) -> JobSeen:
        self.spec(job)
        return self.glances.get(("seen", job), lambda: self.client().look(job))

    def why(self, job: str, shard: str | None) -> Why:
        """What it waits for, in one sentence."""
        self.spec(job)
        key = ("why", job, shard)
        return self.glances.get(key, lambda: self.client().why(job, shard))

    def shards(self, job: str) -> tuple[ShardAnswer, ...]:
        seen = self.seen(job)
        return tuple(_shard_answer(each, seen.spec.plate) for each in seen.shards)

    def preview(self, job: str) -> Preview:
        """The finished beginning of the shot. Raises what `PreviewReader.read` raises."""
        self.spec(job)
        if len(self._readers) > _MOST_READERS:
            self._readers.clear()
        reader = self._readers.setdefault(job, PreviewReader(self.store, job))
        return self.glances.get(("preview", job), reader.read)

    def clip(self, job: str) -> ClipIndex:
        """The job's plate, indexed."""
        spec = self.spec(job)
        return as_set(self._clip(spec.plate), spec.render_settings)

    def rendered(self, job: str, index: int) -> Commit | None:
        """The commit of the render shard that frame `index` of the plate lies in."""
        for seen in self.seen(job).of(Stage.RENDER):
            if index in seen.shard.frames:
                return seen.commit
        return None

    def timeline(self, job: str) -> TimelineAnswer:
        """The frames' times and names, and what the graphs under them show."""
        return self.glances.get(("timeline", job), lambda: self._timeline(job))

    def pose(self, job: str, number: int) -> PoseAnswer:
        """The solved poses at the frame people call `number`.

        Raises:
            JobError: the job is not solved yet.
            NotThereError: it has no such frame.
        """
        index, clip = self.index_of(job, number), self.clip(job)
        poses = self.poses(job)
        if poses is None:
            raise JobError(f"job {job} is not solved yet, so it has no poses")
        performer, subject = poses
        return PoseAnswer(
            number=number, width=clip.width, height=clip.height,
            performer=_limbs(performer, index), subject=_limbs(subject, index),
        )  # fmt: skip

    def poses(self, job: str) -> tuple[PoseSequence, PoseSequence] | None:
        """The performer's and the subject's, once the job is solved."""
        commit = next((each.commit for each in self.seen(job).of(Stage.SOLVE)), None)
        return None if commit is None else self._poses(commit)

    def index_of(self, job: str, number: int) -> int:
        """The plate's index of the job's frame `number`. Raises NotThereError."""
        spec = self.spec(job)
        index = number - spec.plate.first_number
        if index not in spec.frames:
            numbers = spec.plate.numbers(spec.frames)
            raise NotThereError(f"frame {number} is none of the job's, which are {numbers}")
        return index

    def consent(self, job: str) -> ConsentAnswer:
        """Whether a consent covers the shot now, and what its deliverables carry."""
        return self.glances.get(("consent", job), lambda: self._consent(job))

    def _read_spec(self, job: str) -> JobSpec | None:
        return read_spec(self.store, job) if key_part(job) == job else None

    def _list(self, pattern: str) -> tuple[JobSummary, ...]:
        try:
            return self.client().list_jobs(*filter(None, [pattern]))[::-1]
        except JobError:
            return ()

    def _status(self, job: str) -> StatusAnswer:
        client = self.client()
        status = client.status(job)
        fields = {name: getattr(status, name) for name in status.__dataclass_fields__}
        return StatusAnswer(**fields, joins=client.joins(job))

    def _read_clip(self, plate: PlateRef) -> ClipIndex:
        return index_clip(self.scratch.plate(plate))

    def _read_poses(self, commit: Commit) -> tuple[PoseSequence, PoseSequence]:
        performer, subject = (
            PoseSequence.from_bytes(self.store.get(commit.file(name).key) or b"")
            for name in ("performer", "subject")
        )
        return performer, subject

    def _timeline(self, job: str) -> TimelineAnswer:
        frames, clip, poses = self.spec(job).frames, self.clip(job), self.poses(job)
        cut = clip.timeline.cut(frames)
        rate, first_number = cut.rate, clip.first_number
        start = clip.custody.timecode or Timecode(frame=0, rate=rate)
        commits = [seen for seen in self.seen(job).of(Stage.RENDER) if seen.commit is not None]
        status = self.status(job)
        scores = {join.frame: join for join in status.joins}
        parts = [seen.shard.frames for seen in self.seen(job).of(Stage.RENDER)]
        return TimelineAnswer(
            first=frames.start + first_number,
            width=clip.width,
            height=clip.height,
            rate=float(rate),
            times_s=cut.times_s,
            timecodes=tuple(str(start + index) for index in frames),
            rendered=tuple(
                (each.shard.frames.start - frames.start, each.shard.frames.stop - frames.start)
                for each in commits
            ),
            joins=tuple(
                JoinMark(
                    number=part.start + first_number,
                    is_cut=part.start in scores and scores[part.start].is_cut,
                    block=getattr(getattr(scores.get(part.start), "score", None), "block", None),
                    mended_frames=getattr(scores.get(part.start), "mended_frames", 0),
                )
                for part in parts[1:]
            ),
            confidence=None if poses is None else tuple(
                round(float(value), 3)
                for value in poses[0].cut(frames).confidence_NK.mean(axis=1)
            ),
            tolerance=self.spec(job).render_settings.join_tolerance,
            is_over=status.state.is_final,
        )  # fmt: skip

    def _consent(self, job: str) -> ConsentAnswer:
        spec = self.spec(job)
        try:
            trust, now_s = operator_trust(), self.clock()
            records = covering_all(self.store, spec, Deed.DOWNLOAD, trust, now_s)
        except RefusedError as error:
            return ConsentAnswer(holds=False, subject=names_of(spec), why=str(error))
        found = read_manifest(self.store, job)
        names = () if found is None else tuple(file.name for file in found.deliverables)
        return ConsentAnswer(
            holds=True, subject=names_of(spec),
            consent=", ".join(record.id for record in records),
            is_synthetic=all(record.is_synthetic for record in records), deliverables=names,
            watermark="" if found is None else found.watermark,
            is_signed=found is not None and is_sealed(self.store, job),
        )  # fmt: skip


def _shard_answer(seen: ShardSeen, plate: PlateRef) -> ShardAnswer:
    running = seen.running
    lease = seen.commit.lease if seen.commit is not None else running
    if seen.commit is not None:
        state = "done"
    elif seen.is_given_up:
        state = "given up"
    else:
        state = "running" if running is not None else "failed" if seen.failures else "waiting"
    return ShardAnswer(
        name=seen.name, stage=seen.shard.stage, state=state,
        frames=plate.numbers(seen.shard.frames), frame_count=len(seen.shard.frames),
        worker=lease.worker if lease else "", attempts=len(seen.leases),
        errors=tuple(each.message for each in seen.history),
    )  # fmt: skip


def _limbs(poses: PoseSequence, index: int) -> tuple[Limb, ...]:
    """The limbs whose both ends are there, in pixels."""
    place = index - poses.frames.start
    points_K2, sure_K = poses.keypoints_NK2[place], poses.confidence_NK[place]
    return tuple(
        Limb(
            x1=round(float(points_K2[a, 0]), 1), y1=round(float(points_K2[a, 1]), 1),
            x2=round(float(points_K2[b, 0]), 1), y2=round(float(points_K2[b, 1]), 1),
            confidence=round(float(min(sure_K[a], sure_K[b])), 2),
        )
        for a, b in poses.skeleton.limb_indices
        if sure_K[a] > 0 and sure_K[b] > 0
    )  # fmt: skip
