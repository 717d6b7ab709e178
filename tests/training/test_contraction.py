"""The contraction of generators whose memory is known by construction is measured as it is."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from bodyswap.frames import RGB
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.figures import Contraction
from bodyswap.nets.generator import Generator, GeneratorConfig, GeneratorOutput
from bodyswap.people import PoseSequence
from bodyswap.quality import sheet
from bodyswap.skeleton import COCO_17
from bodyswap.training.contraction import STARTS, measure_contraction
from bodyswap.training.contraction_picture import draw_contraction
from bodyswap.training.footage import SubjectFootage
from tests.training.subject_film import SIDE, film, standing_poses

Seen = list[tuple[Tensor, Tensor]]


def _affine(gain: float, levels: float = 0.0) -> Callable[[Tensor, Tensor], GeneratorOutput]:
    """In grey levels: `gain` times the previous frame, plus so many; everywhere, and opaque."""

    def render(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        grey_B3HW = (previous_B3HW + 1) * 127.5 * gain + levels
        matte_B1HW = torch.ones_like(previous_B3HW[:, :1])
        return GeneratorOutput(rgb_B3HW=grey_B3HW / 127.5 - 1, matte_B1HW=matte_B1HW)

    return render


def _flat_film(levels: tuple[int, ...], clip_starts: tuple[int, ...] = (0,)) -> SubjectFootage:
    """Frames of one grey each, before black; nobody is matted."""
    count = len(levels)
    frames_N = np.array(levels, np.uint8)[:, None, None, None]
    return SubjectFootage(
        rgb_NHW3=np.broadcast_to(frames_N, (count, SIDE, SIDE, 3)).copy(),
        poses=standing_poses(count),
        matte_NHW=np.zeros((count, SIDE, SIDE), np.uint8),
        background_HW3=np.zeros((SIDE, SIDE, 3), np.uint8),
        clip_starts=clip_starts,
    )


def test_a_known_gain_gives_the_curve_that_it_must_in_eight_bits() -> None:
    measured = measure_contraction(
        _affine(0.4), _flat_film((0, 200)), stretches=1, frames=9, history=23
    )
    far = (80, 32, 12.8, 5.2, 2, 0.8, 0.4, 0, 0)
    none = (51, 20.4, 8, 3.2, 1.2, 0.4, 0, 0, 0)
    assert measured.curves["far frame"] == pytest.approx(far, abs=1e-3)
    assert measured.curves["zeros"] == pytest.approx(none, abs=1e-3)
    assert measured.curves["noise"][:2] == pytest.approx((0.4 * 252.5, 0.4 * 101), abs=0.6)
    assert measured.warmup_frames == 7


def test_what_is_added_to_the_memory_does_not_count() -> None:
    measured = measure_contraction(
        _affine(0.4, 60), _flat_film((0, 200)), stretches=1, frames=9, history=23
    )
    assert measured.curves["far frame"][0] == pytest.approx(0.4 * (200 - 100), abs=0.5)
    assert measured.warmup_frames == 7


def test_a_generator_that_ignores_the_previous_frame_is_warm_after_one() -> None:
    measured = measure_contraction(_affine(0.0, 90), film(30), frames=5)
    assert measured.curves == dict.fromkeys(STARTS, (0.0,) * 5)
    assert measured.warmup_frames == 1


def test_a_generator_that_copies_the_previous_frame_never_forgets() -> None:
    footage = _flat_film((0, 200))
    measured = measure_contraction(_affine(1.0), footage, stretches=1, frames=5, history=23)
    assert measured.curves["far frame"] == (200.0 - 128.0,) * 5
    assert measured.warmup_frames is None


def test_only_what_lies_under_the_matte_is_remembered() -> None:
    def render(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        matte_B1HW = torch.zeros_like(previous_B3HW[:, :1])
        return GeneratorOutput(rgb_B3HW=previous_B3HW, matte_B1HW=matte_B1HW)

    assert measure_contraction(render, film(30), frames=3).warmup_frames == 1


def test_the_worst_moment_counts() -> None:
    def render(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        """Remembers everything while the left arm is up, nothing else."""
        is_up = pose_BLHW[0, :, :24].sum() > lowest * 1.02
        return _affine(1.0 if is_up else 0.0)(pose_BLHW, previous_B3HW)

    footage = film(40)
    lowest = _high_ink(footage.poses, 0)
    assert _high_ink(footage.poses, 39) > lowest * 1.05
    calm, late = (
        measure_contraction(render, footage, stretches=count, frames=4, history=1)
        for count in (1, 2)
    )
    assert calm.warmup_frames == 1
    assert late.warmup_frames is None


def test_each_run_goes_through_the_frames_in_turn_on_its_own_eight_bit_output() -> None:
    seen: Seen = []

    def render(pose_BLHW: Tensor, previous_B3HW: Tensor) -> GeneratorOutput:
        seen.append((pose_BLHW, previous_B3HW))
        return _affine(0.5, 10.3)(pose_BLHW, previous_B3HW)

    measure_contraction(render, film(8), stretches=1, frames=4, history=3)
    assert [len(pose) for pose, _ in seen] == [1, 1, 1, 4, 4, 4, 4]
    levels = (seen[-1][1] + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    assert (seen[0][1] == 0).all() and (seen[3][1][1] == 0).all()
    assert not torch.equal(seen[0][0][0], seen[-1][0][0])


def test_clips_shorter_than_a_stretch_are_walked_to_and_fro() -> None:
    torch.manual_seed(0)
    generator = Generator(
        GeneratorConfig(
            pose_channels=COCO_17.channels, first_channels=4, most_channels=8,
            downsamplings=2, residual_blocks=1,
        )
    ).eval()  # fmt: skip
    measured = measure_contraction(generator, film(5, clip_starts=(0, 2)), frames=6, history=4)
    assert measured.measured_frames == 6
    assert measured.curves["noise"][0] > 0


def test_the_picture_shows_a_curve_a_start_and_where_it_is_warm() -> None:
    contraction = Contraction.of({"zeros": (90.0, 4.0, 0.3), "noise": (200.0, 30.0, 0.2)})
    picture = draw_contraction(contraction)
    for number in range(2):
        assert _ink(picture, sheet.colour_of(number)) > 150
    endless = Contraction.of({"zeros": (90.0, 4.0, 3.0), "noise": (200.0, 30.0, 0.2)})
    assert _ink(draw_contraction(endless), sheet.INK) < _ink(picture, sheet.INK) - 200


def _ink(picture_HW3: RGB, colour: sheet.Colour) -> int:
    return int((picture_HW3 == np.array(colour)).all(axis=-1).sum())


def _high_ink(poses: PoseSequence, frame: int) -> float:
    drawn = draw_pose_map(
        torch.from_numpy(poses.keypoints_NK2[frame])[None],
        torch.from_numpy(poses.confidence_NK[frame])[None],
        poses.skeleton, SIDE, SIDE,
    )  # fmt: skip
    return float(drawn[:, :, :24].sum())
