"""Real clips of the stage, posed for real: what they score, and which frames are compared."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import RenderSettings
from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.quality.files import ComparedFiles, Comparison
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from tests.media.clips import write_clip
from tests.quality.scenes import brightened, walked

SETTINGS = RenderSettings(device="cpu")
COUNT = 5


@pytest.fixture(scope="module")
def pictures() -> list[RGB]:
    walk = film(
        REX, load_motion("walk").turned(0.4).at_rate(Fraction(24)), Shot(width=256, height=256)
    )
    return [next(walk).rgb_HW3 for _ in range(COUNT)]


def _apart(one: RGB, other: RGB) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def _ignore(stage: str, done: int, total: int) -> None:
    del stage, done, total


def test_the_frames_asked_for_are_posed_and_scored_and_can_be_looked_at(
    pictures: list[RGB], tmp_path: Path
) -> None:
    truth = write_clip(tmp_path / "truth.mp4", [pictures[0], *pictures], options={"crf": "12"})
    render = write_clip(tmp_path / "render.mp4", pictures, options={"crf": "12"})
    wanted = Comparison(
        render=render, reference=truth, frames="1002-1006", poses=True, settings=SETTINGS
    )
    stages: dict[str, int] = {}
    files = ComparedFiles(wanted)
    report = files.score(lambda stage, done, total: stages.update({stage: done}))
    assert stages == {"posing the reference": COUNT, "comparing": COUNT, "posing the render": COUNT}
    assert str(files.frames) == "1002-1006"
    mean = report.mean
    assert mean.face_ssim is not None and mean.face_ssim > 0.9
    assert mean.pose_error_percent is not None and mean.pose_error_percent < 1
    assert mean.joints_lost_percent == pytest.approx(0, abs=5)
    assert mean.identity_delta_e is not None and mean.identity_delta_e < 5
    one, same = files.pair(3)
    _, earlier = files.pair(0)
    assert _apart(one, same) < 3
    assert _apart(one, earlier) > 3 * _apart(one, same)


def test_poses_follow_the_reference_into_the_renders_size(
    pictures: list[RGB], tmp_path: Path
) -> None:
    small = [np.ascontiguousarray(picture[::2, ::2]) for picture in pictures]
    truth = write_clip(tmp_path / "truth.mp4", pictures, options={"crf": "12"})
    render = write_clip(tmp_path / "render.mp4", small, options={"crf": "12"})
    report = ComparedFiles(
        Comparison(render=render, reference=truth, poses=True, settings=SETTINGS)
    ).score(_ignore)
    error = report.mean.pose_error_percent
    assert error is not None and error < 3


def test_footage_of_nobody_has_no_face_and_no_pose(tmp_path: Path) -> None:
    scene = walked(4)
    truth = write_clip(tmp_path / "truth.mp4", scene, options={"crf": "10"})
    render = write_clip(tmp_path / "render.mp4", brightened(scene, 12), options={"crf": "10"})
    mean = ComparedFiles(
        Comparison(render=render, reference=truth, poses=True, settings=SETTINGS)
    ).score(_ignore).mean  # fmt: skip
    assert (mean.face_ssim, mean.pose_error_percent, mean.joints_lost_percent) == (None,) * 3
    assert mean.flicker == pytest.approx(12, abs=1.5)


def test_other_numbers_of_frames_are_refused(tmp_path: Path) -> None:
    scene = walked(4)
    truth = write_clip(tmp_path / "truth.mp4", scene)
    render = write_clip(tmp_path / "render.mp4", scene[:3])
    files = ComparedFiles(Comparison(render=render, reference=truth, faces=False))
    with pytest.raises(UsageError, match="the same frames of both"):
        files.score(_ignore)
