"""Batches are drawn by step number, never across a cut, with picture and pose moved alike."""

from dataclasses import replace

import numpy as np
import torch

from bodyswap.training.config import Disturbance
from bodyswap.training.dataset import cloud_poses, draw_batch
from tests.training.subject_film import TINY, film

CALM = Disturbance(joint_jitter=0.0, joint_dropped=0.0, limb_dropped=0.0, confidence_lowered=0.0)


def test_the_same_step_draws_the_same_batch_and_another_draws_another() -> None:
    footage = film(8)
    first, again, other = (draw_batch(footage, TINY, step) for step in (3, 3, 5))
    assert torch.equal(first.real_BT3HW, again.real_BT3HW)
    assert torch.equal(first.keypoints_BTK2, again.keypoints_BTK2)
    assert not torch.equal(first.keypoints_BTK2, other.keypoints_BTK2)


def test_joints_stay_on_the_person_through_turning_scaling_and_cropping() -> None:
    config = replace(TINY, disturbance=CALM, batch=6, crop=0.75)
    for step in (0, 1):
        batch = draw_batch(film(6), config, step)
        height, width = batch.matte_BT1HW.shape[-2:]
        points = batch.keypoints_BTK2.round().long()
        inside = (points >= 0).all(-1) & (points[..., 0] < width) & (points[..., 1] < height)
        assert inside.float().mean() > 0.7
        values = [
            batch.matte_BT1HW[b, t, 0, points[b, t, k, 1], points[b, t, k, 0]]
            for b, t, k in inside.nonzero().tolist()
        ]
        assert torch.stack(values).mean() > 0.9


def test_windows_are_cut_around_the_person_but_for_every_fifth_step() -> None:
    footage = film(6)
    sizes = [draw_batch(footage, TINY, step).real_BT3HW.shape[-1] for step in range(6)]
    assert sizes == [64, 32, 32, 32, 32, 64]


def test_no_sequence_runs_across_a_cut() -> None:
    footage = film(9, clip_starts=(0, 3, 6))
    keypoints = footage.poses.keypoints_NK2.copy()
    keypoints[3:, :, 0] += 1000
    keypoints[6:, :, 0] += 1000
    jumping = replace(footage, poses=replace(footage.poses, keypoints_NK2=keypoints))
    config = replace(TINY, disturbance=replace(CALM, rotation_degrees=0.0, scale=0.0), batch=16)
    batch = draw_batch(jumping, config, 0)
    assert batch.keypoints_BTK2[..., 0].diff(dim=1).abs().max() < 500


def test_a_clip_shorter_than_a_rollout_still_gives_a_batch() -> None:
    batch = draw_batch(film(1), TINY, 0)
    assert torch.equal(batch.real_BT3HW[:, 0], batch.real_BT3HW[:, 2])


def test_clouding_loses_doubts_and_moves_joints_but_never_adds_certainty() -> None:
    poses = film(4).poses
    rng = np.random.default_rng(0)
    strong = Disturbance(joint_jitter=0.02, joint_dropped=0.3, confidence_lowered=0.5)
    keypoints, sure = poses.keypoints_NK2[None], poses.confidence_NK[None]
    moved, doubted = cloud_poses(keypoints, sure, 64, strong, rng)
    assert 0 < np.abs(moved - keypoints).mean() < 4
    assert 0.15 < (doubted == 0).mean() < 0.45
    assert ((doubted > 0) & (doubted < 1)).any()
    assert (doubted <= sure).all()


def test_twins_are_the_first_sequences_again() -> None:
    batch = draw_batch(film(8), replace(TINY, batch=3, twins=2), 1)
    assert batch.twins == 2 and len(batch.real_BT3HW) == 5
    for sequences in (batch.real_BT3HW, batch.keypoints_BTK2, batch.confidence_BTK):
        assert torch.equal(sequences[3:], sequences[:2])


def test_no_window_is_too_small_for_the_deepest_layer() -> None:
    networks = replace(TINY.networks, downsamplings=4)
    batch = draw_batch(film(8), replace(TINY, crop=0.2, networks=networks), 1)
    assert batch.real_BT3HW.shape[-2:] == (32, 32)


def test_windows_come_to_show_head_and_feet_of_a_person_larger_than_they_are() -> None:
    config = replace(TINY, disturbance=CALM, batch=24, crop=0.5, twins=0)
    batch = draw_batch(film(6), config, 1)
    inside = (batch.keypoints_BTK2[..., 1] >= 0) & (batch.keypoints_BTK2[..., 1] < 32)
    seen_by_joint = inside[:, 0].float().mean(dim=0)
    assert (seen_by_joint > 0.1).all()


def test_a_limb_that_is_lost_is_lost_for_the_whole_sequence() -> None:
    poses = film(4).poses
    rng = np.random.default_rng(0)
    keypoints = poses.keypoints_NK2[None].repeat(50, 0)
    sure = poses.confidence_NK[None].repeat(50, 0)
    limbs = poses.skeleton.limb_indices
    _, doubted = cloud_poses(keypoints, sure, 64, replace(CALM, limb_dropped=0.5), rng, limbs=limbs)
    gone = doubted == 0
    assert gone.any()
    assert (gone.all(axis=1) == gone.any(axis=1)).all()
    assert (gone.any(axis=1).sum(axis=1) >= 2)[gone.any(axis=(1, 2))].all()
