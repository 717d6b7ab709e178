"""Any skeleton flows from what a pose model says to a rendered frame; the body leads the way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from bodyswap.config import SolveSettings
from bodyswap.keypoints.body_size import torso_px
from bodyswap.keypoints.estimator import Poses, build_estimator
from bodyswap.keypoints.looks import pose_scores
from bodyswap.keypoints.mmpose_door import build_model
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import Subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.people import Detections, Presence
from bodyswap.quality.skeleton_picture import draw_skeleton
from bodyswap.render import Renderer
from bodyswap.replacing.figure import distance_to
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import BODY_13, COCO_17, COCO_WHOLEBODY_133, HALPE_26, Part, Skeleton
from bodyswap.solve import PlateShape, Solution, solve
from bodyswap.stage.cast import REX, VEGA
from bodyswap.timing import FrameRange
from tests.motions_on_stage import stage_poses
from tests.noisy_sightings import noisy
from tests.whole_people import as_skeleton

ALL = [COCO_17, HALPE_26, COCO_WHOLEBODY_133, BODY_13]
NAMES = [skeleton.name for skeleton in ALL]
SMALL = 64
PLATE = PlateShape(width=256, height=256, rate=30.0)
GONE = slice(10, 14)
UNSEEN_HAND = slice(18, 30)


def _seen(skeleton: Skeleton) -> Detections:
    """Rex walking, with noise, a short absence, and a left hand that is hidden for long."""
    truth = as_skeleton(stage_poses(REX, "walk", size=256), skeleton)
    poses = noisy(truth, share=0.3)
    confidence = poses.confidence_NK.clip(0.4, 1)
    confidence[GONE] = 0
    hand = [*skeleton.of(Part.LEFT_HAND), skeleton.joint("left_wrist")]
    confidence[UNSEEN_HAND, hand] = 0.1
    shown = np.flatnonzero(confidence.any(axis=1))
    keypoints = poses.keypoints_NK2[shown]
    return Detections(
        skeleton=skeleton,
        frames=poses.frames,
        frame_M=shown,
        keypoints_MK2=keypoints,
        confidence_MK=confidence[shown],
        box_M4=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
    )


def _subject(skeleton: Skeleton) -> Subject:
    torch.manual_seed(3)
    config = GeneratorConfig(
        pose_channels=skeleton.channels, first_channels=4, downsamplings=2, residual_blocks=1
    )
    stance = measure_stance(stage_poses(VEGA, "walk", size=SMALL), width=SMALL, height=SMALL)
    card = SubjectCard(
        origin=Origin(subject="tiny"), skeleton=skeleton.name, width=SMALL, height=SMALL,
        generator=config, stance=stance,
    )  # fmt: skip
    background = np.full((SMALL, SMALL, 3), 90, np.uint8)
    return Subject(card=card, generator=Generator(config).eval(), background_HW3=background)


def _solved(skeleton: Skeleton) -> Solution:
    seen, stance = _seen(skeleton), _subject(skeleton).card.stance
    return solve(seen, seen.frames, plate=PLATE, stance=stance, settings=SolveSettings())


@pytest.mark.parametrize("skeleton", ALL, ids=NAMES)
def test_detections_become_the_subjects_frames(skeleton: Skeleton) -> None:
    solution = _solved(skeleton)
    for poses in (solution.performer, solution.subject):
        assert poses.skeleton is skeleton
        assert (poses.confidence_NK[GONE][:, list(skeleton.body)[:9]] > 0).all()
        assert (poses.confidence_NK[UNSEEN_HAND, skeleton.joint("left_wrist")] == 0).all()
    assert (solution.performer.presence_N[GONE] == Presence.INTERPOLATED).all()
    frames = FrameRange(start=0, stop=4)
    rendered = list(
        Renderer(_subject(skeleton), "cpu").render(solution.subject, frames, warmup_frames=0)
    )
    assert [frame.index for frame in rendered] == [0, 1, 2, 3]
    nobody = replace(solution.subject, confidence_NK=0 * solution.subject.confidence_NK)
    clean = list(Renderer(_subject(skeleton), "cpu").render(nobody, frames, warmup_frames=0))
    assert all((frame.matte_HW == 0).all() for frame in clean)
    assert all((frame.matte_HW > 0).any() for frame in rendered)


def test_hands_and_faces_change_nothing_of_how_the_body_is_solved() -> None:
    plain, whole = _solved(COCO_17), _solved(COCO_WHOLEBODY_133)
    body = list(COCO_WHOLEBODY_133.body)
    truth = stage_poses(REX, "walk", size=256)
    for solution, joints in ((plain, slice(None)), (whole, body)):
        there = solution.performer.confidence_NK[:, joints] > 0
        off = solution.performer.keypoints_NK2[:, joints] - truth.keypoints_NK2
        assert np.linalg.norm(off, axis=2)[there].mean() < 2.0
    moved = whole.subject.keypoints_NK2[:, body] - plain.subject.keypoints_NK2
    seen = (whole.subject.confidence_NK[:, body] > 0) & (plain.subject.confidence_NK > 0)
    assert np.linalg.norm(moved, axis=2)[seen].mean() < 2.0


def test_a_person_without_eyes_and_ears_stands_as_tall_as_with_them() -> None:
    """By the nose, where there are no eyes to tell the height by."""
    whole = stage_poses(VEGA, "walk", size=256)
    plain, less = (
        measure_stance(poses, width=256, height=256, rate=30)
        for poses in (whole, as_skeleton(whole, BODY_13))
    )
    assert less.far_height == pytest.approx(plain.far_height, rel=0.02)
    assert less.far_ground_y == plain.far_ground_y


def test_a_person_reaches_as_far_without_eyes_and_ears() -> None:
    whole = stage_poses(REX, "walk", size=128)
    near = []
    for poses in (whole, as_skeleton(whole, BODY_13)):
        one = poses.keypoints_NK2[0], np.ones(len(poses.skeleton.joints), np.float32)
        near.append(
            distance_to(*one, poses.skeleton, torso_px=torso_px(poses), height=128, width=128)
        )
    assert np.abs(near[0] - near[1]).mean() < 0.2


def test_a_face_full_of_unsure_points_does_not_hide_a_person() -> None:
    confidence = np.full((2, 133), 0.05, np.float32)
    confidence[0, list(COCO_WHOLEBODY_133.body)] = 0.9
    confidence[1, list(COCO_WHOLEBODY_133.of(Part.FACE))] = 0.9
    poses = Poses(keypoints_MK2=np.zeros((2, 133, 2), np.float32), confidence_MK=confidence)
    body, face = pose_scores(poses, COCO_WHOLEBODY_133)
    assert body == pytest.approx(0.9)
    assert face == 0


@pytest.mark.parametrize("skeleton", ALL, ids=NAMES)
def test_people_can_look_at_any_pose(skeleton: Skeleton) -> None:
    poses = as_skeleton(stage_poses(REX, "punch", size=256), skeleton)
    grey = np.full((256, 256, 3), 60, np.uint8)
    drawn = draw_skeleton(grey, poses.keypoints_NK2[0], poses.confidence_NK[0], skeleton)
    for joint, part in enumerate(skeleton.parts_of_joints):
        if part is not Part.BODY:
            x, y = poses.keypoints_NK2[0, joint].round().astype(int)
            near = drawn[y - 2 : y + 3, x - 2 : x + 3]
            assert (near != 60).any(), skeleton.joints[joint]


@pytest.mark.parametrize(
    ("config", "skeleton"),
    [
        ("rtmpose-t_8xb64-270e_coco-ubody-wholebody-256x192", COCO_WHOLEBODY_133),
        ("rtmpose-t_8xb1024-700e_body8-halpe26-256x192", HALPE_26),
    ],
    ids=["whole body", "halpe"],
)
def test_an_mmpose_model_of_more_joints_runs_chosen_by_its_yaml(
    config: str, skeleton: Skeleton, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = build_model(config, device="cpu").network
    save_file(dict(network.state_dict()), tmp_path / "random.safetensors")
    spec = {"config": config, "weights": "random.safetensors", "skeleton": skeleton.name}
    (tmp_path / "random.yaml").write_text(yaml.safe_dump(spec))
    estimator = build_estimator(str(tmp_path / "random.yaml"), "cpu")
    assert estimator.skeleton is skeleton
    picture = np.random.default_rng(0).integers(0, 255, (2, 96, 80, 3), dtype=np.uint8)
    boxes = np.array([[10, 10, 60, 90], [0, 5, 70, 80]], np.float32)
    poses = estimator.estimate(picture, np.array([0, 1]), boxes)
    assert poses.keypoints_MK2.shape == (2, len(skeleton.joints), 2)
    assert poses.confidence_MK.shape == (2, len(skeleton.joints))
    assert np.isfinite(poses.keypoints_MK2).all()
