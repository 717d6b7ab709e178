"""Frame custody: whatever a plate's clock, every frame has its pose record and its picture."""

from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.nets.checkpoint import load_subject
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import Presence
from bodyswap.pipeline import Pipeline
from bodyswap.solve import Solution
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, empty_set, film
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import steady, write_clip

VEGA = packaged_subjects()["vega"]
SETTINGS = RenderSettings(codec="ffv1", device="cpu")
COUNT = 26
MISSING = slice(13, 15)
LEFT_FROM = 20
"""From here on nobody is on the set."""


def _uneven(count: int) -> Timeline:
    """A phone's clock: frames of 17 to 60 ms, and one that was held for 0.3 s."""
    spans = [(17, 33, 34, 60)[index % 4] for index in range(count - 1)]
    spans[MISSING.start] = 300
    pts = tuple(accumulate(spans, initial=40))
    return Timeline(pts=pts, time_base=Fraction(1, 1000), rate=Fraction(30))


CLOCKS = {
    "23.976": steady(COUNT, Fraction(24000, 1001), first_pts=512),
    "24": steady(COUNT, 24),
    "25": steady(COUNT, 25),
    "29.97": steady(COUNT, Fraction(30000, 1001)),
    "30": steady(COUNT, 30),
    "50": steady(COUNT, 50),
    "59.94": steady(COUNT, Fraction(60000, 1001)),
    "variable": _uneven(COUNT),
}


@pytest.fixture(scope="module")
def pictures() -> list[RGB]:
    """Rex walks, is not to be seen for two frames, comes back, and is gone for good."""
    shot = Shot(width=192, height=192)
    motion = load_motion("walk").turned(0.4).at_rate(Fraction(30))
    walk = film(REX, motion, shot)
    taken = [next(walk).rgb_HW3 for _ in range(LEFT_FROM)]
    empty = empty_set(shot)
    taken[MISSING] = [empty] * 2
    return [*taken, *[empty] * (COUNT - LEFT_FROM)]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


def _solve(pipeline: Pipeline, plate: Path, frames: FrameRange) -> Solution:
    seen = pipeline.pose_range(plate, frames, settings=SETTINGS, on_frame=lambda done: None)
    return pipeline.solve_shot(seen, _inputs(plate), frames)


def _inputs(plate: Path) -> ShotInputs:
    return ShotInputs(plate=plate, subject=VEGA, settings=SETTINGS)


@pytest.mark.parametrize("rate", CLOCKS)
def test_every_frame_has_one_record_at_every_rate(
    rate: str, pictures: list[RGB], pipeline: Pipeline, tmp_path: Path
) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures, timeline=CLOCKS[rate])
    clip = index_clip(plate)
    solution = _solve(pipeline, plate, clip.frames)
    assert len(clip) == COUNT
    for poses in (solution.performer, solution.subject):
        assert poses.frames == clip.frames
        assert len(poses.confidence_NK) == len(poses.keypoints_NK2) == COUNT
    report, presence = solution.report, solution.performer.presence_N
    assert report["frames"] == COUNT
    for level in Presence:
        assert report[level.name.lower()] == int((presence == level).sum())
    assert (presence[: MISSING.start] == Presence.PRESENT).all()
    assert (presence[LEFT_FROM:] == Presence.ABSENT).all()
    held_too_long = rate == "variable"
    bridged = Presence.ABSENT if held_too_long else Presence.INTERPOLATED
    assert (presence[MISSING] == bridged).all()
    assert (presence[LEFT_FROM - 2 : LEFT_FROM] == Presence.PRESENT).all()


@pytest.mark.parametrize("rate", ["25", "variable"])
def test_where_the_performer_is_not_there_the_clean_background_is_rendered(
    rate: str, pictures: list[RGB], pipeline: Pipeline, tmp_path: Path
) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures, timeline=CLOCKS[rate])
    clip = index_clip(plate)
    solution = _solve(pipeline, plate, clip.frames)
    part = FrameRange(start=LEFT_FROM - 2, stop=COUNT)
    out = tmp_path / "segment.mp4"
    shot = SolvedShot(inputs=_inputs(plate), poses=solution.subject)
    rendered = pipeline.render_range(shot, part, out, state=None, on_frame=lambda done: None)
    assert rendered.segment.frames == part
    written = index_clip(rendered.segment.path)
    shown = [rgb for batch in decode(written, written.frames) for rgb in batch.rgb_NHW3]
    assert len(shown) == len(part)
    background = load_subject(VEGA, "cpu").background_HW3
    empty = [int(np.abs(rgb.astype(int) - background).max()) for rgb in shown]
    assert min(empty[:2]) > 40
    assert max(empty[2:]) <= 3  # what a change of colour space rounds
