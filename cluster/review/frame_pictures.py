"""One exact frame of a plate or a render as a picture: decoded, made smaller where asked, kept.

It does not know who may see it.
"""

import io
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PIL import Image

from bodyswap.decode import decode
from bodyswap.errors import JobError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.sequence import read_picture
from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit, StoredFile
from cluster.review.shots import Shots

_KEPT_BYTES = 192 << 20
_DECODERS = 2
_MOST_FILES = 64
_JPEG_QUALITY = 90
_FRAME_NAMES = "shot."


class Layer(StrEnum):
    """Which picture of a frame: as it was filmed, or as it is rendered."""

    PLATE = "plate"
    RENDER = "render"


class PictureKind(StrEnum):
    """JPEG to look at; PNG has every pixel's value."""

    JPEG = "jpg"
    PNG = "png"

    @property
    def media_type(self) -> str:
        return {"jpg": "image/jpeg", "png": "image/png"}[self]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A frame of a layer by the plate's index; `origin` is the hash of what it is decoded from."""

    job: str
    layer: Layer
    index: int
    kind: PictureKind
    width: int | None
    origin: str

    @property
    def tag(self) -> str:
        return f'"{self.origin[:24]}-{self.index}-{self.kind}-{self.width or 0}"'


class FramePictures:
    """Decodes frames, a few at a time, and keeps what was asked for last."""

    def __init__(self, shots: Shots) -> None:
        self._shots = shots
        self._lock = threading.Lock()
        self._decoding = threading.Semaphore(_DECODERS)
        self._kept: OrderedDict[Wanted, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._folders: OrderedDict[Path, None] = OrderedDict()

    def wanted(
        self, job: str, layer: Layer, number: int, kind: PictureKind, width: int | None
    ) -> Wanted:
        """What to ask `picture` for.

        Raises:
            NotThereError: the job has no such frame.
            JobError: that frame is not rendered yet.
        """
        index = self._shots.index_of(job, number)
        if layer is Layer.PLATE:
            origin = self._shots.spec(job).plate.sha256
        else:
            origin = self._commit(job, index, number).file("segment").sha256
        return Wanted(job=job, layer=layer, index=index, kind=kind, width=width, origin=origin)

    def picture(self, wanted: Wanted) -> bytes:
        """The frame as a file of its kind."""
        with self._lock:
            kept = self._kept.get(wanted)
            if kept is not None:
                self._kept.move_to_end(wanted)
                return kept
        with self._decoding:
            data = _written(self._decoded(wanted), wanted)
        self._keep(wanted, data)
        return data

    def _decoded(self, wanted: Wanted) -> RGB:
        if wanted.layer is Layer.PLATE:
            return _frame(self._shots.clip(wanted.job), wanted.index)
        number = wanted.index + self._shots.spec(wanted.job).plate.first_number
        commit = self._commit(wanted.job, wanted.index, number)
        place = wanted.index - commit.lease.shard.frames.start
        if files := _frame_files(commit):
            return read_picture(self._fetched(files[place]))
        return _frame(index_clip(self._fetched(commit.file("segment"))), place)

    def _fetched(self, file: StoredFile) -> Path:
        """The file, here; of many, those longest not looked at go."""
        folder = self._shots.folder / "looked-at" / file.sha256
        with self._lock:
            self._folders[folder] = None
            self._folders.move_to_end(folder)
            if len(self._folders) > _MOST_FILES:
                shutil.rmtree(self._folders.popitem(last=False)[0], ignore_errors=True)
        return self._shots.scratch.file(file, folder)

    def _commit(self, job: str, index: int, number: int) -> Commit:
        commit = self._shots.rendered(job, index)
        if commit is None:
            raise JobError(f"frame {number} of job {job} is not rendered yet")
        return commit

    def _keep(self, wanted: Wanted, data: bytes) -> None:
        with self._lock:
            if wanted not in self._kept:
                self._kept[wanted] = data
                self._kept_bytes += len(data)
            while self._kept_bytes > _KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])


def _frame(clip: ClipIndex, index: int) -> RGB:
    (batch,) = decode(clip, FrameRange(start=index, stop=index + 1))
    picture: RGB = batch.rgb_NHW3[0]
    return picture


def _frame_files(commit: Commit) -> list[StoredFile]:
    """Of an image sequence each frame's file, in order; none of a film."""
    files = [file for file in commit.files if file.name.startswith(_FRAME_NAMES)]
    return sorted(files, key=lambda file: file.name)


def _written(picture: RGB, wanted: Wanted) -> bytes:
    image = Image.fromarray(picture)
    if wanted.width is not None and wanted.width < image.width:
        height = max(1, round(image.height * wanted.width / image.width))
        image = image.resize((wanted.width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    if wanted.kind is PictureKind.PNG:
        image.save(file, "PNG", compress_level=1)
    else:
        image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return file.getvalue()
