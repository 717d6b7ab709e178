"""Lay subjects into the plate: gone are the performers, and outside the matte not a bit changes.

It does not know files. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, Matte, RenderedFrame
from bodyswap.homography import Homographies
from bodyswap.replacing.cleanplate import CleanPlate
from bodyswap.replacing.figure import distance_to
from bodyswap.replacing.match import Levels, grain
from bodyswap.replacing.matte import performer_matte, removal_matte
from bodyswap.replacing.placement import Affines
from bodyswap.replacing.recipe import Recipe, Scene
from bodyswap.replacing.segment import CutOut
from bodyswap.replacing.supplied import clean_as_supplied

_LEAST_ALPHA = 1 / 255


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A frame with the subjects in the performers' places, and what it is made of.

    `touched_HW` is where anything may differ from the plate. `subject` has the plate's size, the
    subjects' colour as matched, those in front before the others; `performer_HW` and `removed_HW`
    are of all the performers, and `clean_HW3` is what stands where they were.
    """

    rgb_HW3: RGB
    touched_HW: npt.NDArray[np.bool_]
    subject: RenderedFrame
    performer_HW: Matte
    removed_HW: Matte
    clean_HW3: RGB
    seen_HW: npt.NDArray[np.bool_]


def lay(
    frame: RenderedFrame, plate_HW3: RGB, recipe: Recipe, set_HW3: RGB | None = None,
    segment: CutOut | None = None,
) -> Laid:  # fmt: skip
    """The plate's frame with the rendered ones where the performers were, those in front last.

    `set_HW3` is the clean plate's own picture for this frame, of a recipe whose set moves;
    `segment` tells the performers apart, else their difference from the set does.
    """
    height, width = plate_HW3.shape[:2]
    scene, row = recipe.scene_of(frame.index), recipe.row_of(frame.index)
    clean = _set_behind(scene, recipe.to_canvas_N33[row], plate_HW3, set_HW3)
    performer_HW, removed_HW = _mattes(plate_HW3, clean, recipe, row, segment)
    noise_HW3 = grain(frame.index, height, width, clean.noise_3)
    # A set filmed or painted frame by frame has its own grain.
    behind_HW3 = clean.rgb_HW3 + (0 if recipe.set_moves else noise_HW3)
    whole_HW3 = _mixed(behind_HW3, plate_HW3, removed_HW)
    layer = _Layer(colour_HW3=plate_HW3 + noise_HW3, alpha_HW=np.zeros((height, width), np.float32))
    rendered = (frame, *frame.others)
    for place in recipe.back_to_front(frame.index):
        one = rendered[place]
        if one is not None and one.matte_HW.any() and recipe.replaced[place].placed_N23[row].any():
            matched_HW3 = scene.gains[place].on(one.rgb_HW3)
            placed_23 = recipe.replaced[place].placed_N23[row]
            laid = _in_place(matched_HW3, one.matte_HW, placed_23, (width, height), noise_HW3)
            whole_HW3 = _mixed(laid.colour_HW3, whole_HW3, laid.alpha_HW)
            layer = laid.over(layer)
    touched_HW = (removed_HW > 0) | (layer.alpha_HW > 0)
    rounded = np.asarray(np.rint(whole_HW3.clip(0, 255)), np.uint8)
    subject_HW3 = np.asarray(np.rint(layer.colour_HW3.clip(0, 255)), np.uint8)
    return Laid(
        rgb_HW3=np.where(touched_HW[:, :, None], rounded, plate_HW3),
        touched_HW=touched_HW,
        subject=RenderedFrame(rgb_HW3=subject_HW3, matte_HW=layer.alpha_HW, index=frame.index),
        performer_HW=performer_HW,
        removed_HW=removed_HW,
        clean_HW3=clean.rgb_HW3,
        seen_HW=clean.seen_HW,
    )


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Somebody at the plate's size: straight colour, and how much of each pixel is theirs."""

    colour_HW3: Levels
    alpha_HW: Matte

    def over(self, under: "_Layer") -> "_Layer":
        if not under.alpha_HW.any():
            return self
        share_HW = under.alpha_HW * (1 - self.alpha_HW)
        alpha_HW = self.alpha_HW + share_HW
        colour_HW3 = self.colour_HW3 * self.alpha_HW[..., None] + (
            under.colour_HW3 * share_HW[..., None]
        )
        straight_HW3 = colour_HW3 / np.maximum(alpha_HW, 1e-6)[..., None]
        return _Layer(
            colour_HW3=np.where(alpha_HW[..., None] > 0, straight_HW3, self.colour_HW3),
            alpha_HW=alpha_HW,
        )


def _set_behind(
    scene: Scene, to_canvas_33: Homographies, plate_HW3: RGB, set_HW3: RGB | None
) -> CleanPlate:
    height, width = plate_HW3.shape[:2]
    if set_HW3 is None:
        return scene.clean.as_seen(to_canvas_33, height, width)
    return clean_as_supplied(set_HW3, scene.clean.noise_3)


def _mattes(
    plate_HW3: RGB, clean: CleanPlate, recipe: Recipe, row: int, segment: CutOut | None
) -> tuple[Matte, Matte]:
    """Of all who are replaced: where they are, and what is to be gone."""
    performer_HW, removed_HW = np.zeros((2, *plate_HW3.shape[:2]), np.float32)
    for each in recipe.replaced:
        poses = each.performer
        if not poses.confidence_NK[row].any():
            continue
        distance_HW = distance_to(
            poses.keypoints_NK2[row], poses.confidence_NK[row], poses.skeleton,
            torso_px=each.torso_px, height=len(plate_HW3), width=plate_HW3.shape[1],
        )  # fmt: skip
        matte_HW = performer_matte(plate_HW3, clean, distance_HW, segment)
        performer_HW = np.maximum(performer_HW, matte_HW)
        removed_HW = np.maximum(removed_HW, removal_matte(matte_HW, each.torso_px))
    return performer_HW, removed_HW


def _in_place(
    matched_HW3: Levels, matte_HW: Matte, placed_23: Affines, size: tuple[int, int],
    noise_HW3: Levels,
) -> _Layer:  # fmt: skip
    """The subject's colour and matte where the performer was, in a picture of width and height."""
    # Made larger a picture wants the smoother curve, made smaller the mean of what it covers.
    how = cv2.INTER_CUBIC if placed_23[0, 0] > 1 else cv2.INTER_AREA
    colour_HW3 = cv2.warpAffine(matched_HW3, placed_23, size, flags=how,
                                borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    alpha_HW = cv2.warpAffine(matte_HW, placed_23, size, flags=how)
    alpha_HW = np.where(alpha_HW < _LEAST_ALPHA, 0, alpha_HW.clip(0, 1))
    return _Layer(
        colour_HW3=np.asarray(colour_HW3, np.float32) + noise_HW3,
        alpha_HW=np.asarray(alpha_HW, np.float32),
    )


def _mixed(over_HW3: Levels, under_HW3: Levels | RGB, matte_HW: Matte) -> Levels:
    share = matte_HW[:, :, None]
    return np.asarray(over_HW3 * share + under_HW3 * (1 - share), np.float32)
