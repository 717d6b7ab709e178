"""A generator that sees a window paints what it would there, and nothing around it."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.generator import GeneratorOutput
from bodyswap.nets.window import Window, WindowedPaint, window_for
from bodyswap.people import PoseSequence
from bodyswap.stage.cast import VEGA
from tests.motions_on_stage import stage_poses

PX, STEP = 128, 8
POSES = stage_poses(VEGA, "walk", size=PX)


def _map(poses: PoseSequence, row: int) -> Tensor:
    return draw_pose_map(
        torch.from_numpy(poses.keypoints_NK2[row : row + 1]),
        torch.from_numpy(poses.confidence_NK[row : row + 1]), poses.skeleton, PX, PX,
    )  # fmt: skip


def _echo(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
    """Paints the drawn pose as the matte, and the past as the colour."""
    return GeneratorOutput(rgb_B3HW=previous_B3HW, matte_B1HW=pose_BLHW.amax(dim=1, keepdim=True))


def test_the_window_holds_the_person_in_every_frame_and_is_smaller_than_the_picture() -> None:
    window = window_for(POSES, height=PX, width=PX, step=STEP)
    assert window.columns < PX / 2 and window.rows <= PX
    assert window.rows % STEP == window.columns % STEP == 0
    paint, past = WindowedPaint(_echo, window, step=STEP), torch.rand(1, 3, PX, PX)
    for row in range(len(POSES.frames)):
        pose_BLHW = _map(POSES, row)
        output = paint(pose_BLHW, past)
        assert torch.equal(output.matte_B1HW, pose_BLHW.amax(dim=1, keepdim=True))
        assert torch.equal(output.rgb_B3HW, past)


def test_what_the_network_is_given_is_the_windows_part_and_the_rest_has_no_matte() -> None:
    window, seen = Window(rows=64, columns=48), []

    def white(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        seen.append((pose_BLHW.shape, previous_B3HW.shape))
        ones = torch.ones_like(previous_B3HW)
        return GeneratorOutput(rgb_B3HW=ones, matte_B1HW=ones[:, :1])

    output = WindowedPaint(white, window, step=STEP)(_map(POSES, 0), torch.zeros(1, 3, PX, PX))
    assert [tuple(shape[2:]) for shape in seen[0]] == [(64, 48), (64, 48)]
    assert int(output.matte_B1HW.sum()) == 64 * 48
    rows, columns = (int(torch.nonzero(output.matte_B1HW[0, 0].any(dim=d)).min()) for d in (1, 0))
    assert rows % STEP == columns % STEP == 0


def test_joints_that_are_absent_or_outside_make_no_window_larger() -> None:
    keypoints_NK2, confidence_NK = POSES.keypoints_NK2.copy(), POSES.confidence_NK.copy()
    keypoints_NK2[3, 0], confidence_NK[3, 0] = (-500, 900), 0
    keypoints_NK2[4, 1], confidence_NK[4, 1] = np.nan, 0
    odd = replace(POSES, keypoints_NK2=keypoints_NK2, confidence_NK=confidence_NK)
    size = {"height": PX, "width": PX, "step": STEP}
    assert window_for(odd, **size) == window_for(POSES, **size)


def test_of_nobody_the_window_is_the_whole_picture() -> None:
    nobody = replace(POSES, confidence_NK=np.zeros_like(POSES.confidence_NK))
    window = window_for(nobody, height=PX, width=96, step=STEP)
    assert window == Window(rows=PX, columns=96)
    empty = torch.zeros_like(_map(POSES, 0))
    output = WindowedPaint(_echo, Window(rows=64, columns=48), step=STEP)(
        empty, torch.zeros(1, 3, PX, PX)
    )
    assert not output.matte_B1HW.any()
