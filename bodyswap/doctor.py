"""Is this machine fit to render? Each check does the real thing in small.

It does not know stores; the farm adds its own checks to these.
"""

import platform
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from bodyswap.config import PoseSettings
from bodyswap.errors import BodyswapError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: its name, whether all is well, and what was found."""

    name: str
    is_well: bool
    message: str

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


Check = Callable[[], str]


def examine(more: Iterable[tuple[str, Check]] = ()) -> list[Finding]:
    """Run every check, then those of `more`; a check says what it found, or raises."""
    checks: list[tuple[str, Check]] = [
        ("python", lambda: f"{platform.python_version()} on {platform.machine()}"),
        ("device", _device),
        ("video", _video),
        ("pose model", _pose_model),
        ("subjects", _subjects),
        *more,
    ]
    return [_run(name, check) for name, check in checks]


def _run(name: str, check: Check) -> Finding:
    try:
        return Finding(name=name, is_well=True, message=check())
    except (BodyswapError, ImportError, OSError) as error:
        return Finding(name=name, is_well=False, message=str(error) or type(error).__name__)


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}"
    return f"no GPU; the CPU with {torch.get_num_threads()} threads, torch {torch.__version__}"


def _video() -> str:
    from bodyswap.encode import CODECS, encode
    from bodyswap.media.check import check_delivery
    from bodyswap.timing import FrameRange, Timeline

    timeline = Timeline(pts=(0, 1, 2, 3), time_base=Fraction(1, 24), rate=Fraction(24))
    with tempfile.TemporaryDirectory() as folder:
        for name, codec in CODECS.items():
            path = Path(folder) / f"{name}{codec.suffix}"
            whole = FrameRange(start=0, stop=4)
            shape = (144, 256, 4 if codec.has_alpha else 3)
            frames = [np.full(shape, 40 * index, np.uint8) for index in range(4)]
            encode(frames, path, timeline=timeline, frames=whole, codec=codec)
            check_delivery(path, timeline)
    return f"encodes and decodes {', '.join(CODECS)}"


def _pose_model() -> str:
    from bodyswap.device import choose_device
    from bodyswap.keypoints.estimator import build_estimator

    name = PoseSettings().model
    skeleton = build_estimator(name, choose_device("auto")).skeleton
    return f"{name}, {skeleton.name}"


def _subjects() -> str:
    from bodyswap.nets.checkpoint import load_subject
    from bodyswap.subjects import packaged_subjects

    found = packaged_subjects()
    for folder in found.values():
        load_subject(folder, "cpu")
    return f"packaged and whole: {', '.join(sorted(found)) or 'none'}"
