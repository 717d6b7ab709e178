"""Risky frames become ranges with reasons, and a list of what to film."""

import json
from dataclasses import replace
from math import pi

import numpy as np
import pytest

from bodyswap.people import PoseSequence
from bodyswap.quality.coverage import CoverageIndex, build_index, pose_set
from bodyswap.quality.pose_words import describe, what_to_film
from bodyswap.quality.risk import RISKY, Risk, assess
from bodyswap.timing import FrameRange
from bodyswap.training.vega import Take, take_poses

HEIGHT_PX = 100.0


def _poses(*motions: tuple[str, float]) -> PoseSequence:
    return take_poses([Take(motion=name, yaw_rad=yaw, is_mirrored=False) for name, yaw in motions])[
        0
    ]


@pytest.fixture(scope="module")
def index() -> CoverageIndex:
    walks = [("walk", pi / 4 * side) for side in range(8)]
    return build_index(_poses(*walks), height_px=HEIGHT_PX)


@pytest.fixture(scope="module")
def shot() -> PoseSequence:
    """A walk, a cartwheel, the same walk again; the first frame is 1011."""
    poses = _poses(("walk", pi / 4), ("cartwheel", 0.6), ("walk", pi / 4))
    return replace(poses, frames=FrameRange(start=10, stop=10 + len(poses)))


@pytest.fixture(scope="module")
def risk(shot: PoseSequence, index: CoverageIndex) -> Risk:
    return assess(shot, index, rate=30)


def test_the_risky_ranges_lie_in_the_cartwheel_and_say_why(risk: Risk, shot: PoseSequence) -> None:
    walk = len(_poses(("walk", 0.0)))
    assert risk.ranges
    for one in risk.ranges:
        assert 10 + walk <= one.frames.start and one.frames.stop <= 10 + len(shot) - walk
        assert one.peak_frame in one.frames and one.peak_risk >= one.mean_risk
    inverted = [one for one in risk.ranges if "upside down" in one.words]
    assert inverted and "nothing like it in the footage" in inverted[0].reason
    assert inverted[0].filmed == 0
    assert f"frames {inverted[0].frames}: upside down" in risk.advice()
    assert "film a handstand or a cartwheel" in inverted[0].advice


def test_what_was_filmed_needs_nothing_filmed(index: CoverageIndex) -> None:
    calm = assess(_poses(("walk", pi / 4)), index, rate=30)
    assert calm.ranges == () and "every pose is near one" in calm.advice()


def test_a_shot_without_anybody_is_not_called_safe(
    shot: PoseSequence, index: CoverageIndex
) -> None:
    nobody = replace(shot, confidence_NK=np.zeros_like(shot.confidence_NK))
    assert "too little of the performer is seen" in assess(nobody, index, rate=30).advice()


def test_the_report_is_plain_json_with_a_figure_for_every_frame(
    shot: PoseSequence, index: CoverageIndex
) -> None:
    confidence = shot.confidence_NK.copy()
    confidence[5] = 0
    told = assess(replace(shot, confidence_NK=confidence), index, rate=30).to_dict()
    report = json.loads(json.dumps(told, allow_nan=False))
    assert len(report["risk"]) == len(shot) and report["risk"][5] is None
    assert all(0 <= one <= 1 for one in report["risk"] if one is not None)
    assert report["judged"] == len(shot) - 1
    assert report["risky"] == sum(one >= RISKY for one in report["risk"] if one is not None)
    assert set(report["parts"]) == {
        "head", "torso", "left arm", "right arm", "left leg", "right leg",
    }  # fmt: skip


def test_frames_close_together_are_one_range_and_a_lone_one_is_none(
    risk: Risk, shot: PoseSequence, index: CoverageIndex
) -> None:
    wide = max(risk.ranges, key=lambda one: len(one.frames))
    rows = wide.frames.start - 10, wide.frames.stop - 10
    cut = shot.confidence_NK.copy()
    cut[rows[0] + 2 : rows[1]] = 0
    few = assess(replace(shot, confidence_NK=cut), index, rate=30)
    assert wide.frames.start in [one.frames.start for one in few.ranges]
    cut[rows[0] + 1 : rows[1]] = 0
    fewer = assess(replace(shot, confidence_NK=cut), index, rate=30)
    assert wide.frames.start not in [one.frames.start for one in fewer.ranges]


@pytest.mark.parametrize(
    ("motion", "yaw", "word", "least"),
    [
        ("walk", 0.0, "facing the camera", 0.9),
        ("walk", pi, "back to the camera", 0.9),
        ("walk", pi / 2, "side to the camera", 0.6),
        ("cartwheel", 0.6, "upside down", 0.1),
        ("spinkick", 0.5, "a foot at hip height or above", 0.1),
        ("crawl", 0.8, "body level", 0.5),
    ],
)
def test_words_fit_the_motion_they_are_for(
    motion: str, yaw: float, word: str, least: float
) -> None:
    assert describe(pose_set(_poses((motion, yaw)), HEIGHT_PX))[word].mean() >= least


@pytest.mark.parametrize(
    "word", ["upside down", "body level", "a foot at hip height or above", "arms overhead"]
)
def test_walking_is_called_none_of_the_stunts(word: str) -> None:
    assert describe(pose_set(_poses(("walk", 0.0)), HEIGHT_PX))[word].mean() < 0.05


def test_what_to_film_names_the_action_and_the_view() -> None:
    asked = what_to_film(["upside down", "arms overhead", "back to the camera"])
    assert asked.startswith("a handstand or a cartwheel; reaching up")
    assert asked.endswith("with the back to the camera")
    assert "slowly" in what_to_film([])
