"""Does a delivery line up with its plate? Every answer is measured anew from the two files.

It does not know jobs or manifests.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from bodyswap.errors import IntegrityError
from bodyswap.media.check import check_delivery
from bodyswap.media.companions import fits
from bodyswap.media.custody import Companion
from bodyswap.media.index import ClipIndex, index_clip
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
    film, shot = index_clip(plate), index_clip(delivery)
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
    if part == film.frames and not shot.files:
        findings += _beside(film, shot)
    return tuple(findings)


def _decoded(film: ClipIndex, shot: ClipIndex, part: FrameRange) -> str:
    due = film.timeline.cut(part).starting_at(film.timeline.pts[0])
    if shot.files:
        return _ALL if len(shot) == len(part) else "another number of files"
    try:
        check_delivery(shot.path, due)
    except IntegrityError as error:
        return str(error)
    return _ALL


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
