from dataclasses import replace

import numpy as np
import pytest
import torch

from bodyswap.composite import composite
from bodyswap.errors import IntegrityError, SubjectError
from bodyswap.frames import RGB, RenderedFrame
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import Subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.people import PoseSequence
from bodyswap.render import BoundaryState, Renderer
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import VEGA
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses

SIZE = 64
POSES = stage_poses(VEGA, "walk", size=SIZE)


def _subject() -> Subject:
    torch.manual_seed(3)
    config = GeneratorConfig(
        pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1
    )
    card = SubjectCard(
        origin=Origin(subject="tiny", consent="synthetic"),
        skeleton=COCO_17.name,
        width=SIZE,
        height=SIZE,
        generator=config,
        stance=measure_stance(POSES, width=SIZE, height=SIZE),
    )
    background = np.full((SIZE, SIZE, 3), (30, 90, 150), np.uint8)
    return Subject(
        card=card, generator=Generator(config).eval().requires_grad_(False),
        background_HW3=background,
    )  # fmt: skip


def _render(
    start: int, stop: int, *, warmup: int = 0, state: BoundaryState | None = None
) -> tuple[list[RGB], BoundaryState]:
    renderer = Renderer(_subject(), device="cpu")
    frames = renderer.render(
        POSES, FrameRange(start=start, stop=stop), warmup_frames=warmup, state=state
    )
    pictures = [composite(frame, renderer.subject.background_HW3) for frame in frames]
    return pictures, renderer.state


def test_a_render_from_a_stored_boundary_equals_one_that_never_stopped() -> None:
    whole, _ = _render(0, 12)
    _, boundary = _render(0, 7)
    resumed, _ = _render(7, 12, state=BoundaryState.from_bytes(boundary.to_bytes()))
    for one, other in zip(resumed, whole[7:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_past_matters_and_warming_up_from_the_first_frame_recovers_it() -> None:
    whole, _ = _render(0, 10)
    cold, _ = _render(6, 10)
    assert not np.array_equal(cold[0], whole[6])
    warm, _ = _render(6, 10, warmup=6)
    assert len(warm) == 4
    for one, other in zip(warm, whole[6:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_frame_of_the_range_comes_once_with_its_index() -> None:
    renderer = Renderer(_subject(), device="cpu")
    frames = renderer.render(POSES, FrameRange(start=2, stop=6), warmup_frames=8)
    assert [frame.index for frame in frames] == [2, 3, 4, 5]


def test_poses_of_another_skeleton_are_refused_by_name() -> None:
    poses = replace(POSES, skeleton=replace(COCO_17, name="coco-16"))
    with pytest.raises(SubjectError, match=r"'coco-16'.*'tiny'.*'coco-17'"):
        next(Renderer(_subject(), device="cpu").render(poses, POSES.frames, warmup_frames=0))


def test_a_damaged_boundary_is_refused() -> None:
    assert BoundaryState.from_bytes(b"").previous_HW3 is None
    with pytest.raises(IntegrityError, match="damaged"):
        BoundaryState.from_bytes(b"not a picture")


def test_the_background_stays_to_the_bit_where_the_matte_is_zero() -> None:
    matte = np.zeros((4, 4), np.float32)
    matte[0, 0], matte[1, 1] = 1.0, 0.25
    frame = RenderedFrame(rgb_HW3=np.full((4, 4, 3), 200, np.uint8), matte_HW=matte, index=0)
    background = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    mixed = composite(frame, background)
    assert (mixed[0, 0] == 200).all()
    assert mixed[1, 1, 0] == round(0.25 * 200 + 0.75 * background[1, 1, 0])
    np.testing.assert_array_equal(mixed[matte == 0], background[matte == 0])


def test_nobody_is_drawn_where_there_is_no_pose() -> None:
    absent = PoseSequence(
        skeleton=COCO_17,
        frames=POSES.frames,
        keypoints_NK2=POSES.keypoints_NK2,
        confidence_NK=np.zeros_like(POSES.confidence_NK),
    )
    renderer = Renderer(_subject(), device="cpu")
    frames = list(renderer.render(absent, FrameRange(start=0, stop=3), warmup_frames=0))
    for frame in frames:
        picture = composite(frame, renderer.subject.background_HW3)
        np.testing.assert_array_equal(picture, renderer.subject.background_HW3)


@pytest.mark.gpu
def test_a_gpu_renders_what_the_cpu_does_within_a_few_levels() -> None:
    frames = FrameRange(start=0, stop=4)
    on_cpu, _ = _render(0, 4)
    renderer = Renderer(_subject(), device="cuda")
    on_gpu = renderer.render(POSES, frames, warmup_frames=0)
    for one, other in zip(on_cpu, on_gpu, strict=True):
        picture = composite(other, renderer.subject.background_HW3)
        assert np.abs(one.astype(int) - picture).mean() < 2
