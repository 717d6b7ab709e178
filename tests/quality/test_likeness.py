from dataclasses import replace

import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.quality.likeness import identity_distances
from bodyswap.quality.metrics import compare
from bodyswap.quality.stage_transfer import exact_poses, stage_motion
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.render import Performance, Shot, render_performance

COUNT = 3


def _film(performer: Performer = VEGA, motion: str = "walk", size: int = 160) -> Performance:
    return render_performance(performer, stage_motion(motion, COUNT), Shot(width=size, height=size))


VEGA_WALKS, REX_WALKS = _film(), _film(REX)
POSES = exact_poses(VEGA_WALKS)


def _known(distances: list[float | None]) -> list[float]:
    assert None not in distances
    return [distance for distance in distances if distance is not None]


def test_a_person_is_no_distance_from_themselves_and_far_from_somebody_else() -> None:
    same = identity_distances(VEGA_WALKS.rgb_NHW3, VEGA_WALKS.rgb_NHW3, POSES, POSES)
    assert same == [0, 0, 0]
    other = identity_distances(
        REX_WALKS.rgb_NHW3, VEGA_WALKS.rgb_NHW3, exact_poses(REX_WALKS), POSES
    )
    elsewhere = _film(motion="dance_a")
    moved = identity_distances(
        elsewhere.rgb_NHW3, VEGA_WALKS.rgb_NHW3, exact_poses(elsewhere), POSES
    )
    assert min(_known(other)) > 1.5 * max(_known(moved))
    assert min(_known(other)) > 20


def test_standing_elsewhere_is_not_being_somebody_else() -> None:
    aside = np.roll(VEGA_WALKS.rgb_NHW3, 20, axis=2)
    moved = replace(POSES, keypoints_NK2=POSES.keypoints_NK2 + np.array([20, 0], np.float32))
    assert identity_distances(aside, VEGA_WALKS.rgb_NHW3, moved, POSES) == [0, 0, 0]


def test_where_nobody_is_seen_there_is_no_distance() -> None:
    unseen = replace(POSES, confidence_NK=POSES.confidence_NK * np.float32([[0], [1], [1]]))
    told = identity_distances(VEGA_WALKS.rgb_NHW3, VEGA_WALKS.rgb_NHW3, unseen, POSES)
    assert told == [None, 0, 0]
    report = compare(VEGA_WALKS.rgb_NHW3, VEGA_WALKS.rgb_NHW3).with_identity([None, 3.0, 5.0])
    assert report.mean.identity_delta_e == 4.0 and "identity delta E 4.0" in report.summary()


def test_a_picture_without_a_pose_is_refused() -> None:
    short = POSES.cut(replace(POSES.frames, stop=COUNT - 1))
    with pytest.raises(UsageError, match="cannot compare looks"):
        identity_distances(VEGA_WALKS.rgb_NHW3, VEGA_WALKS.rgb_NHW3, short, POSES)
