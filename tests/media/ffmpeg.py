"""Another build of FFmpeg, as a program of its own: what it reads, a stranger's tool reads."""

import re
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB

Samples = npt.NDArray[np.int16]


def heard_by_ffmpeg(path: Path) -> Samples:
    """The first sound stream, mixed to one channel, from the file's own zero on."""
    in_step = "aresample=async=1:first_pts=0"
    raw = run_ffmpeg("-i", path, "-map", "0:a:0", "-ac", "1", "-af", in_step, "-f", "s16le", "-")
    return np.frombuffer(raw, np.int16)


def sound_by_ffmpeg(path: Path, stream: int = 0, kind: str = "s16le") -> bytes:
    """A sound stream's samples, as they are."""
    return run_ffmpeg("-i", path, "-map", f"0:a:{stream}", "-f", kind, "-")


def seen_by_ffmpeg(path: Path, pixel_format: str = "rgb24") -> list[tuple[Fraction, str]]:
    """Every picture's time in seconds and hash."""
    raw = run_ffmpeg("-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
               "-enc_time_base", "demux", "-pix_fmt", pixel_format, "-f", "framemd5",
               "-")  # fmt: skip
    text = raw.decode()
    base = re.search(r"#tb 0: (\d+)/(\d+)", text)
    assert base is not None, text
    lines = [line.split(",") for line in text.splitlines() if line and line[0] != "#"]
    tick = Fraction(int(base[1]), int(base[2]))
    return [(int(line[2]) * tick, line[5].strip()) for line in lines]


def picture_by_ffmpeg(path: Path, width: int, height: int) -> RGB:
    """The first picture, as that program thinks its colours are meant."""
    raw = run_ffmpeg("-i", path, "-map", "0:v:0", "-frames:v", "1", "-vf",
               "scale=flags=accurate_rnd+full_chroma_int+bicubic",
               "-pix_fmt", "rgb24", "-f", "rawvideo", "-")  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(height, width, 3)


def alpha_by_ffmpeg(path: Path, width: int, height: int) -> RGB:
    """The first picture's alpha in 8 bits."""
    words = ("-map", "0:v:0", "-frames:v", "1", "-vf", "alphaextract,format=gray")
    raw = run_ffmpeg("-i", path, *words, "-f", "rawvideo", "-")
    return np.frombuffer(raw, np.uint8).reshape(height, width)


def shown_by_ffmpeg(path: Path) -> str:
    """What it says of the first picture and its side data, for people."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    words = ["-hide_banner", "-i", f"file:{path}", "-vf", "showinfo", "-frames:v", "1"]
    return subprocess.run(
        [program, *words, "-f", "null", "-"], capture_output=True, text=True, check=True
    ).stderr


def told_by_ffmpeg(path: Path) -> str:
    """What it says a file is, for people."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    return subprocess.run(
        [program, "-hide_banner", "-i", f"file:{path}"], capture_output=True, text=True, check=False
    ).stderr


def run_ffmpeg(*words: str | Path, fed: Iterable[bytes] = ()) -> bytes:
    """What it writes to its output, having been `fed` raw pictures; any complaint fails."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    told = [f"file:{word}" if isinstance(word, Path) else word for word in words]
    quiet = ["-v", "error", "-xerror"]
    done = subprocess.run(
        [program, *quiet, *told], input=b"".join(fed), capture_output=True, check=False
    )
    assert not done.returncode, done.stderr.decode()
    return done.stdout
