"""Objects of the store as local files, fetched once and proven to be what their hash says.

Plates beyond a size are not fetched: they are read where they lie. It does not know who reads them.
Workers of one machine may share a folder.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.replacement import Replacement, Role
from bodyswap.steps import step
from cluster.jobs import keys
from cluster.jobs.commit import StoredFile
from cluster.jobs.job import JobSpec
from cluster.jobs.lease import Lease
from cluster.jobs.plate_stream import is_streamed, open_plate
from cluster.jobs.refs import PlateRef, PosesRef, SubjectRef, WeightsRef
from cluster.stores.record import file_hash
from cluster.stores.store import Store


class Scratch:
    """The local files of the workers that use `folder`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._streamed: dict[PlateRef, Path] = {}

    def plate(self, plate: PlateRef) -> Path:
        """The plate, here or where it lies; readers of video open both alike."""
        if plate in self._streamed:
            return self._streamed[plate]
        path = self._folder / "plates" / plate.sha256 / plate.name
        if not path.exists() and is_streamed(self._store, plate):
            return self._streamed.setdefault(plate, open_plate(self._store, plate))
        return self._fetched(keys.plate_file(plate), path, plate.sha256)

    def poses(self, poses: PosesRef) -> Path:
        path = self._folder / "poses" / poses.sha256 / "poses.npz"
        return self._fetched(keys.poses_file(poses), path, poses.sha256)

    def replacement(self, spec: JobSpec) -> Replacement:
        """What replacing the job's performers takes beside plate and subject."""
        clean = spec.clean_plate
        return Replacement(
            clean_plate=None if clean is None else self.plate(clean),
            others=tuple(
                Role(
                    performer=each.performer,
                    subject=None if each.subject is None else self.subject(each.subject),
                )
                for each in spec.cast
            ),
        )

    def weights(self, weights: WeightsRef) -> Path:
        path = self._folder / "weights" / weights.sha256 / weights.name
        return self._fetched(keys.weights_file(weights), path, weights.sha256)

    def subject(self, subject: SubjectRef) -> Path:
        """The folder of the subject's model."""
        folder = self._folder / "subjects" / subject.name / subject.version
        for file in subject.files:
            key = keys.subject_file(subject, file.name)
            self._fetched(key, folder / file.name, file.sha256)
        return folder

    def file(self, file: StoredFile, folder: Path) -> Path:
        """A committed file, in `folder`. Raises IntegrityError where its name would lead out."""
        if keys.key_part(file.name) != file.name:
            raise IntegrityError(f"'{file.name[:80]}' in a commit is no file's plain name; refused")
        return self._fetched(file.key, folder / file.name, file.sha256)

    @contextmanager
    def attempt(self, lease: Lease) -> Iterator[Path]:
        """An empty folder for one attempt, gone with everything in it afterwards."""
        folder = self._folder / "attempts" / lease.job / str(lease.shard.stage) / lease.attempt
        folder = folder / str(lease.shard.index)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _fetched(self, key: str, path: Path, sha256: str) -> Path:
        if path.exists():
            return path
        arriving = path.with_name(f"arriving-{uuid.uuid4().hex}")
        with step("fetch"):
            self._store.fetch_file(key, arriving)
        found = file_hash(arriving)
        if found != sha256:
            arriving.unlink()
            raise IntegrityError(
                f"'{key}' has the hash {found[:12]}…, not {sha256[:12]}…: damaged in the store"
            )
        arriving.replace(path)
        return path
