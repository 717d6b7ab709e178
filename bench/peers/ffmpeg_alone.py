"""FFmpeg alone: the plate decoded and coded again as the project would, nothing in between."""

import subprocess
from pathlib import Path

from bodyswap.encode import CODECS
from peers.getting import MissingError, get


def transcode(plate: Path, out: Path, *, through_rgb: bool) -> None:
    """One process, one thread a side; with `through_rgb` pictures pass as 8-bit RGB, as here.

    Raises MissingError where there is no FFmpeg.
    """
    codec = CODECS["h264"]
    options = [word for name, value in codec.options for word in (f"-{name}", value)]
    filters = ["-vf", f"format=rgb24,format={codec.pixel_format}"] if through_rgb else []
    command = [_ffmpeg(), "-loglevel", "error", "-y", "-threads", "1", "-i", str(plate), *filters,
               "-c:v", codec.encoder, *options, "-threads", "1", str(out)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"ffmpeg failed: {done.stderr.strip()[-200:]}")


def _ffmpeg() -> str:
    packaged = get("imageio_ffmpeg", "imageio-ffmpeg")
    return str(packaged.get_ffmpeg_exe())
