"""One attempt's files: what it reads of earlier commits, and what it leaves in the store.

It does not know what is in them.
"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import PoseSequence
from bodyswap.steps import step
from cluster.delivering.stitching import is_mapped, open_segment
from cluster.jobs.commit import Commit, StoredFile, store_file
from cluster.jobs.job import JobSpec
from cluster.jobs.lease import Lease
from cluster.jobs.order import Order
from cluster.rights.marking import mark_for
from cluster.stores.asker import Asker
from cluster.stores.store import Store
from cluster.workers.scratch import Scratch
from cluster.workers.stages import RECIPE

_FILES_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An order being done, and the folder it has for itself."""

    store: Store
    scratch: Scratch
    order: Order
    folder: Path

    @property
    def lease(self) -> Lease:
        return self.order.lease

    @property
    def spec(self) -> JobSpec:
        return self.order.spec

    @property
    def settings(self) -> RenderSettings:
        return self.order.settings

    @property
    def plate(self) -> Path:
        return self.scratch.plate(self.spec.plate)

    @property
    def inputs(self) -> ShotInputs:
        """What the shot is made from, fetched."""
        return ShotInputs(
            plate=self.plate,
            subject=self.scratch.subject(self.spec.subject),
            settings=self.settings,
            replacement=self.scratch.replacement(self.spec),
        )

    def solved_shot(self, solved: Commit) -> SolvedShot:
        """What rendering takes, of what the solve step left."""
        has_recipe = any(file.name == RECIPE for file in solved.files)
        return SolvedShot(
            inputs=self.inputs,
            poses=PoseSequence.from_bytes(self.read(solved, "subject")),
            recipe=self.read(solved, "recipe") if has_recipe else None,
            mark=mark_for(self.spec),
        )

    def stored(self, name: str, data: bytes) -> StoredFile:
        """`data` as a file of the attempt's."""
        path = self.folder / name
        path.write_bytes(data)
        return store_file(self.store, self.lease, path)

    def kept(self, paths: Iterable[Path]) -> list[StoredFile]:
        """Files that were written here, in the store: a sequence has hundreds."""
        with closing(Asker(_FILES_AT_ONCE)) as asker, step("store"):
            each = [partial(store_file, self.store, self.lease, path) for path in paths]
            return [stored() for stored in asker.all(each)]

    def commit(self, *files: StoredFile) -> Commit:
        """Of a stage that delivers no pictures."""
        frames = self.lease.shard.frames
        return Commit(lease=self.lease, files=files, frame_count=len(frames))

    def read(self, commit: Commit, name: str) -> bytes:
        """A committed file's bytes, proven."""
        return self.fetched(commit, name).read_bytes()

    def fetched(self, commit: Commit, name: str) -> Path:
        shard = commit.lease.shard
        folder = self.folder / "in" / f"{shard.stage}-{shard.index}"
        return self.scratch.file(commit.file(name), folder)

    def segment(self, rendered: Commit) -> Path:
        """The segment where it lies, if it can be joined there; else fetched."""
        if is_mapped(rendered):
            return open_segment(self.store, rendered, self.segment_path(rendered))
        with closing(Asker(_FILES_AT_ONCE)) as asker, step("fetch"):
            files = frame_files(rendered)
            for fetched in asker.all([partial(self.fetched, rendered, f.name) for f in files]):
                fetched()
        return self.fetched(rendered, "segment")

    def segment_path(self, rendered: Commit) -> Path:
        name = rendered.file("segment").name
        return self.folder / "in" / f"render-{rendered.lease.shard.index}" / name


def frame_files(rendered: Commit) -> list[StoredFile]:
    """A sequence's frames; none of a video."""
    return [file for file in rendered.files if file.name.startswith("shot.")]


def delivery_suffix(settings: RenderSettings) -> str:
    """Of a delivery's one file, or of the list of its files."""
    # PyAV comes with it, which nothing needs before there is work.
    from bodyswap.encode import delivery_suffix as suffix

    return suffix(settings.codec)
