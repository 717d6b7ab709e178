"""What becomes of a plate: its pictures go through decode, encode and the join, and are measured.

A stranger's FFmpeg reads both ends. It does not know what is good enough.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from bodyswap.decode import decode
from bodyswap.encode import CODECS, Codec, encode
from bodyswap.frames import RGB, RGBA
from bodyswap.media.check import check_delivery
from bodyswap.media.concat import concat
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.timing import FrameRange
from tests.media.clips import packets_beside
from tests.media.ffmpeg import alpha_by_ffmpeg, picture_by_ffmpeg, seen_by_ffmpeg, told_by_ffmpeg
from tests.media.input_plates import PATCH, InputPlate, plate_alpha


@dataclass(frozen=True, kw_only=True)
class InputFacts:
    """Pairs are what the plate was to have, and what another program reads in the delivery.

    `patch_error` is in levels of 255, of red, green or blue; so is `alpha_error`, None where the
    delivery has no alpha.
    """

    frames: tuple[int, int]
    times_s: tuple[list[Fraction], list[Fraction]]
    is_variable_rate: tuple[bool, bool]
    timecode: tuple[str, str]
    patch_error: int
    sound_bytes: tuple[int, int]
    is_sound_equal: bool
    alpha_error: int | None
    codec: str


def measure_input(plate: InputPlate, folder: Path) -> InputFacts:
    """Write the plate, deliver its own pictures in two segments, and read that elsewhere."""
    path = plate.write(folder)
    clip = index_clip(path)
    codec = _codec_for(plate, clip)
    shot = deliver(clip, folder, codec, plate_alpha(plate.size) if plate.has_alpha else None)
    sound = {} if clip.files else packets_beside(path)
    delivered = packets_beside(shot)
    return InputFacts(
        frames=(plate.count, len(index_clip(shot))),
        times_s=(plate.times_s, [time for time, _ in seen_by_ffmpeg(shot)]),
        is_variable_rate=(plate.is_uneven, clip.timeline.is_variable_rate),
        timecode=(plate.timecode, _timecode_told(shot)),
        patch_error=_patch_error(shot, clip, is_turned=bool(plate.turned)),
        sound_bytes=(_size(sound), _size(delivered)),
        is_sound_equal=sound == delivered,
        alpha_error=_alpha_error(shot, plate) if codec.has_alpha else None,
        codec=str(codec.name),
    )


def deliver(clip: ClipIndex, folder: Path, codec: Codec, alpha_HW: RGB | None) -> Path:
    """The clip's own pictures, with `alpha_HW` where the codec has alpha."""
    edges = sorted({0, max(1, len(clip) // 2), len(clip)})
    parts = []
    for start, stop in pairwise(edges):
        part = FrameRange(start=start, stop=stop)
        path = folder / f"{start}{codec.suffix}"
        shown = (
            _with_alpha(picture, alpha_HW)
            for batch in decode(clip, part)
            for picture in batch.rgb_NHW3
        )
        encode(shown, path, timeline=clip.timeline, frames=part, codec=codec)
        parts.append(path)
    out = folder / f"shot{codec.suffix}"
    concat(parts, clip.timeline, out, plate=clip)
    check_delivery(out, clip.timeline)
    return out


def _codec_for(plate: InputPlate, clip: ClipIndex) -> Codec:
    if plate.has_alpha:
        return CODECS["prores-4444"]
    if clip.width % 2 or clip.height % 2:
        return CODECS["ffv1"]
    is_quicktime = any(each.codec.startswith("pcm") for each in clip.custody.companions)
    return CODECS["prores-hq" if is_quicktime else "h264"]


def _with_alpha(picture_HW3: RGB, alpha_HW: RGB | None) -> RGB | RGBA:
    return picture_HW3 if alpha_HW is None else np.dstack([picture_HW3, alpha_HW])


def _timecode_told(shot: Path) -> str:
    lines = told_by_ffmpeg(shot).splitlines()
    told = [line.split(":", 1)[1].strip() for line in lines if line.strip().startswith("timecode")]
    return told[0] if told else ""


def _patch_error(shot: Path, clip: ClipIndex, *, is_turned: bool) -> int:
    seen = picture_by_ffmpeg(shot, clip.width, clip.height)
    # A quarter turn brings the patch from the bottom right to the top right.
    patch = seen[8:24, -24:-8] if is_turned else seen[-24:-8, -24:-8]
    return int(np.abs(patch.astype(int) - PATCH).max())


def _alpha_error(shot: Path, plate: InputPlate) -> int:
    seen = alpha_by_ffmpeg(shot, *plate.size)
    return int(np.abs(seen.astype(int) - plate_alpha(plate.size)).max())


def _size(streams: dict[tuple[str, int], list[bytes]]) -> int:
    return sum(len(packet) for packets in streams.values() for packet in packets)
