"""Turns a batch of views into training crops: moved, recoloured, set elsewhere, worn down.

It does not know the network or the loss. Every draw comes from the generator it is given, so that
a step of training can be repeated.

Shape letters: B samples, S the side of a view, H rows, W columns, K joints, 3 = red, green, blue,
2 = x, y; colour lies in 0 to 1.
"""

import math
from dataclasses import dataclass

import torch
from kornia.filters import gaussian_blur2d, motion_blur
from kornia.geometry.transform import warp_affine
from torch import Tensor

from bodyswap.skeleton import COCO_17
from bodyswap.training.pose.draw import LUMA, Draw, colour_change
from bodyswap.training.pose.samples import ABSENT, UNKNOWN

PADDING = 1.25
_SHOULDERS, _HIPS = (5, 6), (11, 12)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Views on the training device; colour as bytes, joints and boxes in view pixels."""

    rgb_B3SS: Tensor
    matte_B1SS: Tensor
    keypoints_BK2: Tensor
    state_BK: Tensor
    box_B4: Tensor


@dataclass(frozen=True, kw_only=True)
class Crops:
    """What the network learns from: colour in 0 to 1, joints in crop pixels."""

    rgb_B3HW: Tensor
    keypoints_BK2: Tensor
    state_BK: Tensor
    box_side_B: Tensor


@dataclass(frozen=True, kw_only=True)
class PlacedJoints:
    """Joints in crop pixels, their states, and the longer side of each person's box."""

    keypoints_BK2: Tensor
    state_BK: Tensor
    side_B: Tensor


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How strongly each change is drawn. Shares are probabilities for one sample."""

    rotation_degrees: float = 40.0
    any_rotation_share: float = 0.2
    scale_octaves: float = 0.35
    shift: float = 0.08
    loose_share: float = 0.12
    elsewhere_share: float = 0.5
    recolour_share: float = 0.5
    grey_share: float = 0.08
    blur_share: float = 0.1
    motion_share: float = 0.1
    noise_share: float = 0.2
    occluder_share: float = 0.2
    neighbour_share: float = 0.1


class Augmenter:
    """Applies an Augmentation to batches, over the given backgrounds (N, 3, G, G) of bytes."""

    def __init__(
        self, backgrounds_N3GG: Tensor, augmentation: Augmentation, *, height: int, width: int
    ) -> None:
        self._backgrounds_N3GG = backgrounds_N3GG
        self._strength = augmentation
        self.height, self.width = height, width

    def __call__(self, batch: Batch, generator: torch.Generator, effort: float = 1.0) -> Crops:
        """Crops of the batch; joints that leave the crop become ABSENT.

        `effort`, in 0 to 1, scales how far people are turned and moved: training starts easy.
        """
        draw = Draw(generator, len(batch.box_B4), batch.rgb_B3SS.device)
        matrix_B23, side_B = self._placement(batch.box_B4, draw, effort)
        warped_B4HW = self._warp(batch, matrix_B23)
        rgb_B3HW, matte_B1HW = warped_B4HW[:, :3], warped_B4HW[:, 3:]
        keypoints_BK2 = _apply(matrix_B23, batch.keypoints_BK2)
        flipped_B = draw.chance(0.5)
        rgb_B3HW, matte_B1HW = _flip(rgb_B3HW, flipped_B), _flip(matte_B1HW, flipped_B)
        keypoints_BK2, state_BK = self._flip_joints(keypoints_BK2, batch.state_BK, flipped_B)
        rgb_B3HW = self._recolour_person(rgb_B3HW, keypoints_BK2, draw)
        rgb_B3HW = self._set_elsewhere(rgb_B3HW, matte_B1HW, draw)
        rgb_B3HW = self._occlude(rgb_B3HW, draw)
        return Crops(
            rgb_B3HW=self._wear_down(rgb_B3HW, draw),
            keypoints_BK2=keypoints_BK2,
            state_BK=self._leave(keypoints_BK2, state_BK),
            box_side_B=side_B,
        )

    def empty(self, count: int, generator: torch.Generator) -> Crops:
        """Crops without a person."""
        draw = Draw(generator, count, self._backgrounds_N3GG.device)
        rgb_B3HW = self._occlude(self._background_crops(draw), draw)
        joints = len(COCO_17.joints)
        return Crops(
            rgb_B3HW=self._wear_down(rgb_B3HW, draw),
            keypoints_BK2=torch.zeros(count, joints, 2),
            state_BK=torch.full((count, joints), ABSENT),
            box_side_B=torch.full((count,), float(self.height)),
        )

    def place(
        self, keypoints_BK2: Tensor, state_BK: Tensor, box_B4: Tensor, generator: torch.Generator
    ) -> "PlacedJoints":
        """Where joints would come to lie in crops of such people, without drawing any."""
        draw = Draw(generator, len(box_B4), box_B4.device)
        matrix_B23, side_B = self._placement(box_B4, draw, 1.0)
        flipped_B = draw.chance(0.5)
        keypoints_BK2 = _apply(matrix_B23, keypoints_BK2)
        keypoints_BK2, state_BK = self._flip_joints(keypoints_BK2, state_BK, flipped_B)
        state_BK = self._leave(keypoints_BK2, state_BK)
        return PlacedJoints(keypoints_BK2=keypoints_BK2, state_BK=state_BK, side_B=side_B)

    def _placement(self, box_B4: Tensor, draw: Draw, effort: float) -> tuple[Tensor, Tensor]:
        """Maps from view to crop pixels (B, 2, 3), and the longer side of each box in the crop."""
        size_B2 = box_B4[:, 2:] - box_B4[:, :2]
        loose_B = draw.chance(self._strength.loose_share * effort)
        octaves_B = draw.signed() * effort * self._strength.scale_octaves * (1 + 1.5 * loose_B)
        shift_B2 = draw.signed(2) * effort * self._strength.shift * (1 + 3.0 * loose_B)[:, None]
        centre_B2 = (box_B4[:, :2] + box_B4[:, 2:]) / 2 + shift_B2 * size_B2
        fit_B = torch.minimum(self.width / size_B2[:, 0], self.height / size_B2[:, 1]) / PADDING
        zoom_B = fit_B * torch.exp2(octaves_B)
        turned_B = draw.chance(self._strength.any_rotation_share * effort)
        reach_B = torch.where(turned_B, 180.0, effort * self._strength.rotation_degrees)
        angle_B = draw.signed() * reach_B * math.pi / 180
        cos_B, sin_B = zoom_B * torch.cos(angle_B), zoom_B * torch.sin(angle_B)
        turn_B22 = torch.stack([cos_B, -sin_B, sin_B, cos_B], dim=1).reshape(-1, 2, 2)
        middle_2 = torch.tensor([self.width / 2, self.height / 2])
        offset_B2 = middle_2 - (turn_B22 @ centre_B2[:, :, None])[:, :, 0]
        return torch.cat([turn_B22, offset_B2[:, :, None]], dim=2), zoom_B * size_B2.amax(dim=1)

    def _warp(self, batch: Batch, matrix_B23: Tensor) -> Tensor:
        whole_B4SS = torch.cat([batch.rgb_B3SS, batch.matte_B1SS], dim=1).float() / 255
        size = (self.height, self.width)
        return warp_affine(whole_B4SS, matrix_B23, size, padding_mode="zeros", align_corners=True)

    def _flip_joints(
        self, keypoints_BK2: Tensor, state_BK: Tensor, flipped_B: Tensor
    ) -> tuple[Tensor, Tensor]:
        mirrored = list(COCO_17.mirrored)
        mirror_BK2 = keypoints_BK2[:, mirrored].clone()
        mirror_BK2[..., 0] = self.width - 1 - mirror_BK2[..., 0]
        keypoints_BK2 = torch.where(flipped_B[:, None, None], mirror_BK2, keypoints_BK2)
        return keypoints_BK2, torch.where(flipped_B[:, None], state_BK[:, mirrored], state_BK)

    def _leave(self, keypoints_BK2: Tensor, state_BK: Tensor) -> Tensor:
        x_BK, y_BK = keypoints_BK2.unbind(-1)
        outside_BK = (x_BK < 0) | (y_BK < 0) | (x_BK > self.width - 1) | (y_BK > self.height - 1)
        return torch.where(outside_BK & (state_BK != UNKNOWN), ABSENT, state_BK)

    def _recolour_person(self, rgb_B3HW: Tensor, keypoints_BK2: Tensor, draw: Draw) -> Tensor:
        """One colour change above the hips and another below: shirts and trousers vary apart."""
        hips_B2 = keypoints_BK2[:, _HIPS].mean(dim=1)
        axis_B2 = hips_B2 - keypoints_BK2[:, _SHOULDERS].mean(dim=1)
        length_B = axis_B2.norm(dim=1).clamp(min=4.0)
        axis_B2 = axis_B2 / length_B[:, None] ** 2
        y_H1 = torch.arange(self.height)[:, None]
        x_1W = torch.arange(self.width)[None, :]
        along_BHW = (x_1W - hips_B2[:, 0, None, None]) * axis_B2[:, 0, None, None]
        along_BHW = along_BHW + (y_H1 - hips_B2[:, 1, None, None]) * axis_B2[:, 1, None, None]
        below_B1HW = torch.sigmoid(12 * along_BHW)[:, None]
        chosen_B = draw.chance(self._strength.recolour_share)
        above = colour_change(rgb_B3HW, draw, chosen_B, strength=1.0)
        below = colour_change(rgb_B3HW, draw, chosen_B, strength=1.0)
        return above + (below - above) * below_B1HW

    def _set_elsewhere(self, rgb_B3HW: Tensor, matte_B1HW: Tensor, draw: Draw) -> Tensor:
        """The person over another background, sometimes with somebody else beside them."""
        elsewhere_B = draw.chance(self._strength.elsewhere_share)[:, None, None, None]
        behind_B3HW = self._background_crops(draw)
        beside_B = draw.chance(self._strength.neighbour_share)[:, None, None, None]
        step = int(draw.integer(self.width // 2, self.width))
        other_B4HW = torch.roll(torch.cat([rgb_B3HW, matte_B1HW], dim=1), 1, dims=0)
        other_B4HW = torch.roll(other_B4HW, step, dims=3)
        mixed_B3HW = torch.lerp(behind_B3HW, other_B4HW[:, :3], other_B4HW[:, 3:])
        behind_B3HW = torch.where(beside_B, mixed_B3HW, behind_B3HW)
        placed_B3HW = torch.lerp(behind_B3HW, rgb_B3HW, matte_B1HW)
        return torch.where(elsewhere_B, placed_B3HW, rgb_B3HW)

    def _background_crops(self, draw: Draw) -> Tensor:
        side = self._backgrounds_N3GG.shape[-1]
        chosen_B = draw.integers(len(self._backgrounds_N3GG))
        top_B, left_B = (
            draw.integers(side - self.height + 1),
            draw.integers(side - self.width + 1),
        )
        crops = [
            self._backgrounds_N3GG[n, :, y : y + self.height, x : x + self.width]
            for n, y, x in zip(chosen_B.tolist(), top_B.tolist(), left_B.tolist(), strict=True)
        ]
        crops_B3HW = _flip(torch.stack(crops).float() / 255, draw.chance(0.5))
        return colour_change(crops_B3HW, draw, draw.chance(0.5), strength=0.7)

    def _occlude(self, rgb_B3HW: Tensor, draw: Draw) -> Tensor:
        """A rectangle of another picture, or of one colour, in front of some samples."""
        rgb_B3HW = rgb_B3HW.clone()
        hidden_B = draw.chance(self._strength.occluder_share)
        share_B2 = 0.08 + 0.3 * draw.uniform(2)
        corner_B2 = draw.uniform(2)
        colour_B3 = draw.uniform(3)
        plain_B = draw.chance(0.5)
        pictures_B = draw.integers(len(self._backgrounds_N3GG))
        for index in torch.nonzero(hidden_B)[:, 0].tolist():
            height = int(share_B2[index, 0] * self.height)
            width = int(share_B2[index, 1] * self.width)
            top = int(corner_B2[index, 0] * (self.height - height))
            left = int(corner_B2[index, 1] * (self.width - width))
            area = (slice(top, top + height), slice(left, left + width))
            patch = (
                self._backgrounds_N3GG[int(pictures_B[index]), :, area[0], area[1]].float() / 255
            )
            flat = colour_B3[index, :, None, None].expand_as(patch)
            rgb_B3HW[index, :, area[0], area[1]] = flat if plain_B[index] else patch
        return rgb_B3HW

    def _wear_down(self, rgb_B3HW: Tensor, draw: Draw) -> Tensor:
        """Light, lens, motion and sensor."""
        rgb_B3HW = colour_change(rgb_B3HW, draw, draw.chance(0.8), strength=0.5)
        grey_B = draw.chance(self._strength.grey_share)[:, None, None, None]
        luma_B1HW = (rgb_B3HW * torch.tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
        rgb_B3HW = torch.where(grey_B, luma_B1HW, rgb_B3HW)
        rgb_B3HW = self._blur(rgb_B3HW, draw)
        noisy = torch.nonzero(draw.chance(self._strength.noise_share))[:, 0]
        noise_B = draw.uniform() * 0.08
        grain = torch.randn((len(noisy), *rgb_B3HW.shape[1:]), generator=draw.generator)
        rgb_B3HW[noisy] += grain * noise_B[noisy][:, None, None, None]
        return rgb_B3HW.clamp_(0, 1)

    def _blur(self, rgb_B3HW: Tensor, draw: Draw) -> Tensor:
        scale = self.height / 256
        soft = torch.nonzero(draw.chance(self._strength.blur_share))[:, 0]
        sigma_B2 = (0.3 + 1.7 * draw.uniform(2)) * scale
        moved = torch.nonzero(draw.chance(self._strength.motion_share))[:, 0]
        angle_B = draw.uniform() * 360
        rgb_B3HW = rgb_B3HW.clone()
        if len(soft):
            rgb_B3HW[soft] = gaussian_blur2d(rgb_B3HW[soft], (7, 7), sigma_B2[soft])
        if len(moved):
            length = 2 * max(1, int(draw.integer(2, 7) * scale)) + 1
            straight = torch.zeros(len(moved))
            rgb_B3HW[moved] = motion_blur(rgb_B3HW[moved], length, angle_B[moved], straight)
        return rgb_B3HW


def _apply(matrix_B23: Tensor, points_BK2: Tensor) -> Tensor:
    return points_BK2 @ matrix_B23[:, :, :2].transpose(1, 2) + matrix_B23[:, None, :, 2]


def _flip(pictures_BCHW: Tensor, flipped_B: Tensor) -> Tensor:
    return torch.where(flipped_B[:, None, None, None], pictures_BCHW.flip(-1), pictures_BCHW)
