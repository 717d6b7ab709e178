"""Plates as other programs make them: a stranger's FFmpeg codes known pictures and sound.

It does not know what is done with them. Every frame differs, and has a patch of one colour at its
bottom right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np

from bodyswap.frames import RGB, RGBA
from bodyswap.media.colour import linear_light
from tests.media.clips import pictures, round_matte
from tests.media.ffmpeg import run_ffmpeg

COUNT = 12
PATCH = (230, 20, 30)
PATCH_PX = 32
FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)
_UNEVEN_MS = (17, 33, 34, 60)
_X264 = ("-c:v", "libx264", "-crf", "10")
_X265 = ("-c:v", "libx265", "-crf", "10", "-x265-params", "log-level=error")
_NOISE = "random({})/4-0.125"


@dataclass(frozen=True, kw_only=True)
class InputPlate:
    """One row of the table: how a plate is coded. `words` are FFmpeg's, for the pictures' codec.

    With `channels` of sound there is `sound` beside it; `turned` is in degrees against the clock.
    """

    name: str
    words: tuple[str, ...] = _X264
    pixel_format: str = "yuv420p"
    suffix: str = ".mp4"
    count: int = COUNT
    rate: Fraction = Fraction(24)
    size: tuple[int, int] = (96, 80)
    timecode: str = ""
    turned: int = 0
    channels: str = ""
    sound: str = "aac"
    is_uneven: bool = False
    first_number: int | None = None
    has_alpha: bool = False

    @property
    def times_s(self) -> list[Fraction]:
        """When each frame was to be shown."""
        if not self.is_uneven:
            return [index / self.rate for index in range(self.count)]
        spans = [_UNEVEN_MS[index % 4] for index in range(self.count - 1)]
        return [Fraction(ms, 1000) for ms in accumulate(spans, initial=0)]

    def write(self, folder: Path) -> Path:
        """The plate in `folder`: a file, or the pattern of a sequence's files."""
        if self.first_number is not None:
            return self._write_sequence(folder)
        path = folder / f"plate{self.suffix}"
        flat = path.with_name(f"flat{self.suffix}") if self.turned else path
        width, height = self.size
        run_ffmpeg(
            "-f", "rawvideo", "-pix_fmt", "rgba" if self.has_alpha else "rgb24",
            "-s", f"{width}x{height}", "-r", str(self.rate), "-i", "-", *self._heard(),
            "-vf", self._filters(), "-fps_mode", "passthrough", "-enc_time_base", "filter",
            *self.words, *self._named(), "-y", flat,
            fed=(picture.tobytes() for picture in self._pictures()),
        )  # fmt: skip
        if self.turned:
            run_ffmpeg("-display_rotation", str(self.turned), "-i", flat, "-c", "copy", "-y", path)
        return path

    def _pictures(self) -> Iterator[RGB | RGBA]:
        width, height = self.size
        for index in range(self.count):
            (picture,) = pictures(1, width=width, height=height, first=index)
            picture[-PATCH_PX:, -PATCH_PX:] = PATCH
            yield np.dstack([picture, plate_alpha(self.size)]) if self.has_alpha else picture

    def _filters(self) -> str:
        scale = "scale=out_color_matrix=bt709:out_range=limited:flags=accurate_rnd+full_chroma_int"
        tags = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
        clock = []
        if self.is_uneven:
            *starts, whole = accumulate(_UNEVEN_MS, initial=0)
            within = "+".join(f"eq(mod(N,4),{n})*{ms}" for n, ms in enumerate(starts))
            clock = [f"settb=1/1000,setpts='{whole}*floor(N/4)+{within}'"]
        return ",".join([scale, f"format={self.pixel_format}", tags, *clock])

    def _heard(self) -> tuple[str, ...]:
        if not self.channels:
            return ()
        count = {"mono": 1, "stereo": 2, "5.1": 6}[self.channels]
        each = "|".join(_NOISE.format(place) for place in range(count))
        seconds = float(self.count / self.rate)
        source = f"aevalsrc='{each}':c={self.channels}:s=48000:d={seconds}"
        return ("-f", "lavfi", "-i", source, "-c:a", self.sound)

    def _named(self) -> tuple[str, ...]:
        return ("-timecode", self.timecode) if self.timecode else ()

    def _write_sequence(self, folder: Path) -> Path:
        """Half floats of linear light: what a compositor calls an EXR plate."""
        width, height = self.size
        light = (linear_light(picture) for picture in self._pictures())
        run_ffmpeg(
            "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", f"{width}x{height}",
            "-r", str(self.rate), "-i", "-", "-c:v", "exr", "-format", "half",
            "-compression", "zip16", "-start_number", str(self.first_number),
            "-y", folder / "plate.%04d.exr",
            fed=(np.moveaxis(each, 2, 0)[[1, 2, 0]].astype("<f4").tobytes() for each in light),
        )  # fmt: skip
        return folder / "plate.#.exr"


def plate_alpha(size: tuple[int, int]) -> RGB:
    """8-bit alpha that leaves the patch whole."""
    alpha = round_matte(*size)
    alpha[-PATCH_PX:, -PATCH_PX:] = 255
    return alpha


_FILM_COUNT = InputPlate(
    name="23.976, timecode", suffix=".mov", rate=FILM, timecode="09:59:59:20", channels="stereo",
    sound="pcm_s16le",
)  # fmt: skip
TABLE = (
    InputPlate(name="h264 4:2:0", channels="stereo"),
    InputPlate(name="h264 4:4:4", pixel_format="yuv444p"),
    InputPlate(name="hevc 10-bit", words=_X265, pixel_format="yuv420p10le"),
    InputPlate(
        name="prores 4444, alpha", words=("-c:v", "prores_ks", "-profile:v", "4444"),
        pixel_format="yuva444p10le", suffix=".mov", has_alpha=True,
    ),
    InputPlate(name="mkv", suffix=".mkv", rate=Fraction(25), channels="stereo", sound="flac"),
    InputPlate(name="variable rate", is_uneven=True),
    _FILM_COUNT,
    replace(_FILM_COUNT, name="29.97, drop-frame", rate=NTSC, timecode="00:09:59;22"),
    InputPlate(name="turned phone", turned=90, rate=Fraction(30), channels="mono"),
    InputPlate(name="exr from 1001", rate=FILM, first_number=1001),
    InputPlate(name="mono", channels="mono"),
    InputPlate(name="5.1", channels="5.1"),
    InputPlate(name="no sound"),
    InputPlate(name="odd size", pixel_format="yuv444p", size=(95, 79)),
    InputPlate(name="one frame", count=1, rate=FILM, timecode="01:00:00:00", suffix=".mov"),
)  # fmt: skip
