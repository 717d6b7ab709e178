"""Does a delivery line up with its plate? Every answer is measured anew from the two files.

It does not know jobs or manifests.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from bodyswap.errors import IntegrityError
from bodyswap.media.check import check_delivery
from bodyswap.media.companions import fits
from bodyswap.media.custody import Companion
from bodyswap.media.frame_files import format_of
from bodyswap.media.frame_list import LIST_SUFFIX, FrameList, label_frame
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.sequence import prefix_of, stem_of
from bodyswap.media.sound import write_sound
from bodyswap.timing import FrameRange

_ALL = "every frame"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that must agree; `plate` and `delivery` say what each has."""

    name: str
    plate: str
    delivery: str

    @property
    def is_equal(self) -> bool:
        return self.plate == self.delivery


def verify_delivery(delivery: Path, plate: Path, frames: FrameRange | None) -> tuple[Finding, ...]:
    """Compare the delivery with `frames` of the plate, or all of it; the delivery is decoded.

    Raises:
        PlateError: one of the two cannot be read at all.
    """
    film, shot = index_clip(plate), index_clip(_pattern_of(delivery))
    part = frames or film.frames
    start = film.custody.timecode
    findings = [
        Finding(name="frames", plate=str(len(part)), delivery=str(len(shot))),
        Finding(name="rate", plate=str(film.timeline.rate), delivery=str(shot.timeline.rate)),
        Finding(
            name="timecode",
            plate=str(start + part.start) if start else "none",
            delivery=str(shot.custody.timecode or "none"),
        ),
        Finding(name="reel", plate=film.custody.reel, delivery=shot.custody.reel),
        Finding(name="times and pictures", plate=_ALL, delivery=_decoded(film, shot, part)),
    ]
    if shot.files:
        findings += _sound_files(film, shot, part)
    elif part == film.frames:
        findings += _beside(film, shot)
    return tuple(findings)


def _decoded(film: ClipIndex, shot: ClipIndex, part: FrameRange) -> str:
    due = film.timeline.cut(part).starting_at(film.timeline.pts[0])
    if shot.files and len(shot) != len(part):
        return "another number of files"
    try:
        if shot.files:
            for index, path in zip(part, shot.files, strict=True):
                format_of(path).check(path, label_frame(film, index))
        else:
            check_delivery(shot.path, due)
    except IntegrityError as error:
        return str(error)
    return _ALL


def _pattern_of(delivery: Path) -> Path:
    """What `index_clip` reads: of the list of a sequence's frames, the frames."""
    if delivery.suffix != LIST_SUFFIX:
        return delivery
    first = FrameList.read(delivery).frames[0].name
    return delivery.with_name(f"{prefix_of(first)}#{Path(first).suffix}")


def _sound_files(film: ClipIndex, shot: ClipIndex, part: FrameRange) -> list[Finding]:
    """The sound beside frame files, sample for sample."""
    stem, folder = stem_of(shot.path.name), shot.files[0].parent
    with tempfile.TemporaryDirectory() as scratch:
        return [
            Finding(
                name=f"sound of {due.name}",
                plate=_bytes_hash(due),
                delivery=_bytes_hash(folder / due.name),
            )
            for due in write_sound(film, part, Path(scratch), stem)
        ]


def _bytes_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "not there"


def _beside(film: ClipIndex, shot: ClipIndex) -> list[Finding]:
    """The streams beside the pictures, byte for byte, those that the delivery's kind can hold."""
    kept = [each for each in film.custody.companions if fits(each, shot.path.suffix)]
    found = list(shot.custody.companions)
    names = [f"{each.kind} {place}" for place, each in enumerate(kept, start=1)]
    if len(found) != len(kept):
        told = ", ".join(names) or "none"
        return [Finding(name="streams", plate=told, delivery=f"{len(found)} streams")]
    ours, theirs = _hashes(film.path, kept), _hashes(shot.path, found)
    return [
        Finding(name=name, plate=one, delivery=other)
        for name, one, other in zip(names, ours, theirs, strict=True)
    ]


def _hashes(path: Path, companions: list[Companion]) -> list[str]:
    if not companions:
        return []
    digests = {each.index: hashlib.sha256() for each in companions}
    empty = {each.index: _is_empty(each) for each in companions}
    with av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
        for packet in container.demux(*(container.streams[index] for index in digests)):
            data = bytes(packet)
            if not empty[packet.stream.index](data):
                digests[packet.stream.index].update(data)
    return [digests[each.index].hexdigest()[:16] for each in companions]


def _is_empty(companion: Companion) -> Callable[[bytes], bool]:
    """A muxer puts two zero bytes where no subtitle is shown."""
    if companion.kind == "subtitle":
        return lambda data: data in (b"", bytes(2))
    return lambda data: not data
