"""Draws training batches from footage: short sequences, placed alike, a pure function of the step.

It does not know networks or losses. The same footage, config and step give the same batch, which
is what lets a killed run go on as if it had not been; and each sequence of a step is drawn by its
number alone, so that replicas share a step out without a word.

Shape letters: B sequences, T frames, K joints, H rows, W columns, 2 = x and y in pixels,
3 = red, green, blue in [-1, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from kornia.geometry.transform import warp_affine
from torch import Tensor

from bodyswap.skeleton import Skeleton
from bodyswap.training.config import Disturbance, TrainingConfig
from bodyswap.training.footage import SubjectFootage

_ROUND_THE_JOINTS = 1.3
"""How much larger a person is than the box around their joints."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Sequences of clips' frames: frame 0 serves only as the first previous one.

    The last `twins` sequences are the first ones again, to be rendered from another previous
    frame. `seeds` are each sequence's own chance for what is still to be drawn. `picture_height`
    is that of the frames the windows were cut from, pixels.
    """

    skeleton: Skeleton
    picture_height: int
    twins: int
    seeds: tuple[int, ...]
    keypoints_BTK2: Tensor
    confidence_BTK: Tensor
    real_BT3HW: Tensor
    matte_BT1HW: Tensor
    background_B3HW: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        return Batch(
            skeleton=self.skeleton,
            picture_height=self.picture_height,
            twins=self.twins,
            seeds=self.seeds,
            keypoints_BTK2=self.keypoints_BTK2.to(device),
            confidence_BTK=self.confidence_BTK.to(device),
            real_BT3HW=self.real_BT3HW.to(device),
            matte_BT1HW=self.matte_BT1HW.to(device),
            background_B3HW=self.background_B3HW.to(device),
        )


def draw_batch(
    footage: SubjectFootage,
    config: TrainingConfig,
    step: int,
    *,
    rank: int = 0,
    of: int = 1,
    device: torch.device | str = "cpu",
) -> Batch:
    """What replica `rank` of so many trains on in this step; pictures are placed on the device.

    All of them together train on what one would whose `batch` and `twins` are `of` times as many.
    """
    numbers = range(rank, config.batch * of, of)
    rngs = [np.random.default_rng((config.seed, step, 1 + number)) for number in numbers]
    frames_BT = _draw_frames(footage, config, np.random.default_rng((config.seed, step)), rngs)
    size = _window(footage, config, step)
    placement_B23 = np.stack(
        [
            _draw_placement(footage, frames_T, size, config.disturbance, rng)
            for frames_T, rng in zip(frames_BT, rngs, strict=True)
        ]
    )
    keypoints_BTK2 = _moved(footage.poses.keypoints_NK2[frames_BT], placement_B23)
    clouded = _cloud_each(footage, keypoints_BTK2, frames_BT, config.disturbance, rngs)
    real_BT3HW, matte_BT1HW, background_B3HW = _pictures(
        footage, frames_BT, placement_B23, size, device
    )
    twins = range(config.batch * of + rank, (config.batch + config.twins) * of, of)
    return Batch(
        skeleton=footage.poses.skeleton,
        picture_height=footage.height,
        twins=config.twins,
        seeds=tuple(_seed(config.seed, step, number) for number in (*numbers, *twins)),
        keypoints_BTK2=_with_twins(torch.from_numpy(clouded[0]), config.twins),
        confidence_BTK=_with_twins(torch.from_numpy(clouded[1]), config.twins),
        real_BT3HW=_with_twins(real_BT3HW, config.twins),
        matte_BT1HW=_with_twins(matte_BT1HW, config.twins),
        background_B3HW=_with_twins(background_B3HW, config.twins),
    )


def _with_twins(sequences: Tensor, twins: int) -> Tensor:
    return torch.cat([sequences, sequences[:twins]])


def _seed(*of: int) -> int:
    return int(np.random.SeedSequence((*of, 1)).generate_state(1)[0])


def _cloud_each(
    footage: SubjectFootage,
    keypoints_BTK2: npt.NDArray[np.float32],
    frames_BT: npt.NDArray[np.int64],
    disturbance: Disturbance,
    rngs: Sequence[np.random.Generator],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    limbs = footage.poses.skeleton.limb_indices
    confidence_BTK = footage.poses.confidence_NK[frames_BT]
    clouded = [
        cloud_poses(
            keypoints_BTK2[row : row + 1], confidence_BTK[row : row + 1], footage.height,
            disturbance, rng, limbs=limbs,
        )
        for row, rng in enumerate(rngs)
    ]  # fmt: skip
    return np.concatenate([one[0] for one in clouded]), np.concatenate([one[1] for one in clouded])


def cloud_poses(
    keypoints_BTK2: npt.NDArray[np.float32],
    confidence_BTK: npt.NDArray[np.float32],
    height: int,
    disturbance: Disturbance,
    rng: np.random.Generator,
    *,
    limbs: Sequence[tuple[int, int]] = (),
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Jitter joints (half of it steady over a sequence), lose joints and limbs, doubt others."""
    shape = keypoints_BTK2.shape
    steady = rng.standard_normal((shape[0], 1, *shape[2:]))
    nervous = rng.standard_normal(shape)
    strength = height * disturbance.joint_jitter * rng.random((shape[0], 1, 1, 1))
    jittered = keypoints_BTK2 + strength * (steady + nervous)
    kept = rng.random(shape[:3]) >= disturbance.joint_dropped
    doubted = rng.random((shape[0], 1, shape[2])) < disturbance.confidence_lowered
    doubt = np.where(doubted, rng.uniform(0.35, 1.0, doubted.shape), 1.0)
    for start, end in limbs:
        gone_B = rng.random(shape[0]) < disturbance.limb_dropped / len(limbs)
        kept[gone_B, :, start] = kept[gone_B, :, end] = False
    return jittered.astype(np.float32), (confidence_BTK * kept * doubt).astype(np.float32)


def _draw_frames(
    footage: SubjectFootage,
    config: TrainingConfig,
    common: np.random.Generator,
    rngs: Sequence[np.random.Generator],
) -> npt.NDArray[np.int64]:
    """Frame numbers (B, T), every one to `longest_stride` frames; a short clip's end is repeated.

    Longer strides keep the generator from copying the previous frame instead of obeying the pose.
    """
    stride = common.integers(1, config.longest_stride + 1)
    offsets_T = np.arange(max(config.play_order) + 1) * stride
    lengths_N = _run_lengths(footage)
    long_enough = np.flatnonzero(lengths_N > offsets_T[-1])
    if len(long_enough) == 0:
        long_enough = np.array(footage.clip_starts)
    starts_B = np.array([rng.choice(long_enough) for rng in rngs])
    left_BT = np.minimum(offsets_T[None], lengths_N[starts_B][:, None] - 1)
    return np.asarray(starts_B[:, None] + left_BT, np.int64)


def _run_lengths(footage: SubjectFootage) -> npt.NDArray[np.int64]:
    """How many frames follow on from each frame, itself included, before the next cut."""
    cuts = np.array([*footage.clip_starts[1:], len(footage)])
    frames = np.arange(len(footage))
    lengths: npt.NDArray[np.int64] = cuts[np.searchsorted(cuts, frames, side="right")] - frames
    return lengths


def _window(footage: SubjectFootage, config: TrainingConfig, step: int) -> tuple[int, int]:
    """Rows and columns of this step's pictures, in whole steps of the generator.

    Two at least: a single deepest pixel has no spread to be normalised by.
    """
    if step % config.whole_frame_every == 0:
        return footage.height, footage.width
    stride = 2 ** (config.networks.downsamplings + config.networks.enhancers)
    side = max(2 * stride, round(config.crop * footage.height / stride) * stride)
    return min(side, footage.height), min(side, footage.width)


def _draw_placement(
    footage: SubjectFootage,
    frames_T: npt.NDArray[np.int64],
    size: tuple[int, int],
    disturbance: Disturbance,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """A similarity from footage to window that keeps some of the person in sight: (2, 3)."""
    angle = np.radians(disturbance.rotation_degrees) * rng.uniform(-1, 1)
    scale = np.exp(disturbance.scale * rng.uniform(-1, 1))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    whole_2 = np.array([footage.width, footage.height], float)
    window_2 = np.array([size[1], size[0]], float)
    aim_2 = _aim(footage, frames_T, window_2, rng)
    centre_2 = np.where(window_2 < whole_2, aim_2, (whole_2 - 1) / 2)
    shift_2 = window_2 * disturbance.shift * rng.uniform(-1, 1, 2)
    offset_2 = (window_2 - 1) / 2 + shift_2 - turn @ centre_2
    return np.concatenate([turn, offset_2[:, None]], axis=1).astype(np.float32)


def _aim(
    footage: SubjectFootage,
    frames_T: npt.NDArray[np.int64],
    window_2: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """The middle of a window that is filled by the person, whose every part it shows as often."""
    seen = footage.poses.confidence_NK[frames_T] > 0
    points_2 = footage.poses.keypoints_NK2[frames_T][seen]
    points_2 = points_2[np.isfinite(points_2).all(axis=1)]
    if len(points_2) == 0:
        return np.array([footage.width - 1, footage.height - 1], float) / 2
    low_2, high_2 = points_2.min(axis=0), points_2.max(axis=0)
    beyond_2 = np.maximum(0, (high_2 - low_2) * _ROUND_THE_JOINTS - window_2) / 2
    return np.asarray((low_2 + high_2) / 2 + beyond_2 * rng.uniform(-1, 1, 2), np.float64)


def _moved(
    keypoints_BTK2: npt.NDArray[np.float32], placement_B23: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    turned = np.einsum("bxy,btky->btkx", placement_B23[:, :, :2], keypoints_BTK2)
    return np.asarray(turned + placement_B23[:, None, None, :, 2], np.float32)


def _pictures(
    footage: SubjectFootage,
    frames_BT: npt.NDArray[np.int64],
    placement_B23: npt.NDArray[np.float32],
    size: tuple[int, int],
    device: torch.device | str,
) -> tuple[Tensor, Tensor, Tensor]:
    count, length = frames_BT.shape
    flat = frames_BT.reshape(-1)
    rgb = torch.from_numpy(footage.rgb_NHW3[flat]).to(device).permute(0, 3, 1, 2).float()
    matte = torch.from_numpy(footage.matte_NHW[flat]).to(device)[:, None].float()
    plate = torch.from_numpy(footage.background_HW3).to(device).permute(2, 0, 1).float()
    each = torch.from_numpy(placement_B23).to(device)
    every = each.repeat_interleave(length, dim=0)
    frames = warp_affine(torch.cat([rgb, matte], 1), every, size, padding_mode="border")
    plates = warp_affine(plate.expand(count, -1, -1, -1), each, size, padding_mode="border")
    shaped = frames.view(count, length, 4, *size)
    return shaped[:, :, :3] / 127.5 - 1, shaped[:, :, 3:] / 255, plates / 127.5 - 1
