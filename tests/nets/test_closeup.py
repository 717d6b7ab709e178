"""Close-ups are found where the pose map shows the part, cut in whole pixels, and put back."""

import pytest
import torch

from bodyswap.errors import ModelError
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.closeup import CloseUp, add_closeup, closeups_of, cut_closeup, find_closeup
from bodyswap.skeleton import BODY_13, COCO_17, COCO_WHOLEBODY_133, HALPE_26
from tests.training.subject_film import standing_poses


def _face_map(dx: float = 0.0) -> torch.Tensor:
    poses = standing_poses(1, side=128)
    points = torch.from_numpy(poses.keypoints_NK2) + torch.tensor([dx, 0.0])
    return draw_pose_map(points, torch.from_numpy(poses.confidence_NK), COCO_17, 128, 128)


def test_the_window_is_around_the_face_and_moves_with_it() -> None:
    (face,) = closeups_of(COCO_17, height_px=90)
    corners, is_there = find_closeup(torch.cat([_face_map(), _face_map(20)]), face)
    assert is_there.all()
    (row, column), (moved_row, moved_column) = corners
    assert abs(row + face.side_px / 2 - 27) <= 3
    assert abs(column + face.side_px / 2 - 64) <= 3
    assert moved_row == row and abs(moved_column - column - 20) <= 1


def test_a_window_never_leaves_the_picture() -> None:
    (face,) = closeups_of(COCO_17, height_px=90)
    corners, _ = find_closeup(_face_map(-60), face)
    assert corners[0][1] == 0
    assert cut_closeup(_face_map(-60), corners, face.side_px).shape[2:] == (24, 24)


def test_where_no_face_is_drawn_there_is_no_closeup() -> None:
    (face,) = closeups_of(COCO_17, height_px=90)
    _, is_there = find_closeup(torch.zeros(1, COCO_17.channels, 64, 64), face)
    assert not is_there.any()


def test_what_is_added_lands_where_it_was_cut_and_nowhere_else() -> None:
    picture = torch.rand(2, 3, 40, 40)
    corners = [(0, 5), (16, 24)]
    changed = add_closeup(picture, torch.ones(2, 3, 16, 16), corners) - picture
    assert torch.allclose(cut_closeup(changed, corners, 16), torch.ones(2, 3, 16, 16))
    assert changed.sum() == pytest.approx(2 * 3 * 256, rel=1e-4)


def test_a_skeleton_with_eyes_has_a_face_and_only_a_whole_body_has_hands() -> None:
    kinds = {
        skeleton.name: [each.kind for each in closeups_of(skeleton, height_px=180)]
        for skeleton in (BODY_13, COCO_17, HALPE_26, COCO_WHOLEBODY_133)
    }
    assert kinds == {
        "body-13": [],
        "coco-17": ["face"],
        "halpe-26": ["face"],
        "coco-wholebody-133": ["face", "hand", "hand"],
    }


def test_a_side_between_steps_is_refused() -> None:
    with pytest.raises(ModelError, match="30 px"):
        CloseUp(kind="face", channels=(1,), side_px=30)
