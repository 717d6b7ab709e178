"""Another build of FFmpeg, as a program of its own: what it reads, a stranger's tool reads."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


def heard_by_ffmpeg(path: Path) -> Samples:
    """The first sound stream, mixed to one channel, from the file's own zero on."""
    raw = _run("-i", path, "-map", "0:a:0", "-ac", "1", "-af", "aresample=async=1:first_pts=0",
               "-f", "s16le", "-")  # fmt: skip
    return np.frombuffer(raw, np.int16)


def seen_by_ffmpeg(path: Path, pixel_format: str = "rgb24") -> list[tuple[Fraction, str]]:
    """Every picture's time in seconds and hash."""
    raw = _run("-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
               "-pix_fmt", pixel_format, "-f", "framemd5", "-")  # fmt: skip
    text = raw.decode()
    base = re.search(r"#tb 0: (\d+)/(\d+)", text)
    assert base is not None, text
    lines = [line.split(",") for line in text.splitlines() if line and line[0] != "#"]
    tick = Fraction(int(base[1]), int(base[2]))
    return [(int(line[2]) * tick, line[5].strip()) for line in lines]


def told_by_ffmpeg(path: Path) -> str:
    """What it says a file is, for people."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    return subprocess.run(
        [program, "-hide_banner", "-i", f"file:{path}"], capture_output=True, text=True, check=False
    ).stderr


def _run(*words: str | Path) -> bytes:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    told = [f"file:{word}" if isinstance(word, Path) else word for word in words]
    quiet = ["-nostdin", "-v", "error", "-xerror"]
    done = subprocess.run([program, *quiet, *told], capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()
    return done.stdout
