"""What a compositor's plates look like, and what comes out: count, times, names, colour, sound.

Each plate goes in as it is, its own pictures come out as a delivery made of two segments, and a
program that shares nothing with this one reads both.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.media.check import check_delivery
from bodyswap.media.colour import BT709, linear_light
from bodyswap.media.concat import concat
from bodyswap.media.exr import Compression, FrameLabel, Part, write_exr
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.timecode import Timecode
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import packets_beside, pictures, steady, write_clip
from tests.media.ffmpeg import picture_by_ffmpeg, seen_by_ffmpeg, told_by_ffmpeg

COUNT = 12
PATCH = (230, 20, 30)
FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)
X264, X265 = {"crf": "10"}, {"crf": "10", "x265-params": "log-level=error"}
UNEVEN = Timeline(
    pts=tuple(accumulate([(17, 33, 34, 60)[index % 4] for index in range(COUNT - 1)], initial=40)),
    time_base=Fraction(1, 1000),
    rate=Fraction(30),
)


@dataclass(frozen=True, kw_only=True)
class Plate:
    """One row: how the plate is written, and what must be said of it."""

    suffix: str = ".mp4"
    encoder: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    clock: Timeline = field(default_factory=lambda: steady(COUNT))
    size: tuple[int, int] = (96, 80)
    timecode: str = ""
    turned: int = 0
    sound: str = ""
    layouts: tuple[str, ...] = ("stereo",)
    patch_error: int = 4

    def write(self, folder: Path) -> Path:
        return write_clip(
            folder / f"plate{self.suffix}",
            _patched(len(self.clock), self.size),
            timeline=self.clock,
            encoder=self.encoder,
            pixel_format=self.pixel_format,
            options=self.options,
            turned=self.turned,
            sound=self.sound,
            layouts=self.layouts,
            names={"timecode": self.timecode} if self.timecode else None,
            colour=BT709,
        )


TABLE = {
    "h264 4:2:0": Plate(options=X264),
    "h264 4:4:4": Plate(options=X264, pixel_format="yuv444p"),
    "hevc 10-bit": Plate(encoder="libx265", pixel_format="yuv420p10le", options=X265),
    "prores 4444": Plate(encoder="prores_ks", pixel_format="yuva444p10le", suffix=".mov"),
    "mkv": Plate(options=X264, suffix=".mkv", clock=steady(COUNT, 25)),
    "variable rate": Plate(options=X264, clock=UNEVEN),
    "23.976, timecode": Plate(
        options=X264, suffix=".mov", clock=steady(COUNT, FILM), timecode="09:59:59:20"
    ),
    "29.97, drop-frame": Plate(
        options=X264, suffix=".mov", clock=steady(COUNT, NTSC), timecode="00:09:59;22"
    ),
    "turned phone": Plate(options=X264, turned=90, sound="aac", layouts=("mono",)),
    "mono": Plate(options=X264, sound="aac", layouts=("mono",)),
    "5.1": Plate(options=X264, sound="aac", layouts=("5.1",)),
    "no sound": Plate(options=X264),
    "odd size": Plate(options=X264, pixel_format="yuv444p", size=(95, 79)),
    "one frame": Plate(options=X264, clock=steady(1, FILM), timecode="01:00:00:00"),
}
every_row = pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)


def _patched(count: int, size: tuple[int, int]) -> list[RGB]:
    made = pictures(count, width=size[0], height=size[1])
    for picture in made:
        picture[-32:, -32:] = PATCH
    return made


def _deliver(clip: ClipIndex, folder: Path) -> Path:
    """The plate's own pictures, through the encoder in two parts and the join."""
    codec = CODECS["ffv1" if clip.width % 2 or clip.height % 2 else "h264"]
    middle = max(1, len(clip) // 2)
    edges = sorted({0, middle, len(clip)})
    parts = []
    for start, stop in pairwise(edges):
        part = FrameRange(start=start, stop=stop)
        shown = (picture for batch in decode(clip, part) for picture in batch.rgb_NHW3)
        path = folder / f"{start}{codec.suffix}"
        encode(shown, path, timeline=clip.timeline, frames=part, codec=codec)
        parts.append(path)
    out = folder / f"shot{codec.suffix}"
    concat(parts, clip.timeline, out, plate=clip)
    check_delivery(out, clip.timeline)
    return out


def _times(path: Path) -> list[Fraction]:
    return [time for time, _ in seen_by_ffmpeg(path)]


@every_row
def test_frames_times_names_and_sound_come_out_as_they_went_in(tmp_path: Path, row: Plate) -> None:
    plate = row.write(tmp_path)
    clip = index_clip(plate)
    shot = _deliver(clip, tmp_path)
    assert len(clip) == len(row.clock)
    if row.suffix != ".mkv":  # which rounds its own times to milliseconds
        assert [pts * clip.timeline.time_base for pts in clip.timeline.pts] == [
            pts * row.clock.time_base for pts in row.clock.pts
        ]
    assert _times(shot) == [pts * clip.timeline.time_base for pts in clip.timeline.pts]
    assert clip.timeline.is_variable_rate == (row.clock is UNEVEN)
    assert packets_beside(shot) == packets_beside(plate)
    delivered = index_clip(shot).custody
    assert str(delivered.timecode or "") == row.timecode
    assert f"timecode        : {row.timecode}" in told_by_ffmpeg(shot) or not row.timecode


@every_row
def test_a_colour_patch_comes_out_as_it_went_in(tmp_path: Path, row: Plate) -> None:
    clip = index_clip(row.write(tmp_path))
    seen = picture_by_ffmpeg(_deliver(clip, tmp_path), clip.width, clip.height)
    # A quarter turn brings the patch from the bottom right to the top right.
    patch = seen[8:24, -24:-8] if row.turned else seen[-24:-8, -24:-8]
    assert np.abs(patch.astype(int) - PATCH).max() <= row.patch_error


def test_an_exr_sequence_from_1001_comes_out_as_it_went_in(tmp_path: Path) -> None:
    start = Timecode.parse("01:00:00:00", FILM)
    made = _patched(COUNT, (96, 80))
    for index, picture in enumerate(made):
        light = linear_light(picture).astype(np.float16)
        channels = {name: light[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=FILM, timecode=start + index)
        path = tmp_path / f"plate.{1001 + index}.exr"
        write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)
    clip = index_clip(tmp_path / "plate.#.exr")
    shot = _deliver(clip, tmp_path)
    assert _times(shot) == [Fraction(index * 1001, 24000) for index in range(COUNT)]
    assert str(index_clip(shot).custody.timecode) == "01:00:00:00"
    seen = picture_by_ffmpeg(shot, 96, 80)[-24:-8, -24:-8]
    assert np.abs(seen.astype(int) - PATCH).max() <= 3
