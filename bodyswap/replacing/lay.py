"""Lay the subject into the plate: gone is the performer, and outside the matte not a bit changes.

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
from bodyswap.replacing.recipe import Recipe, Scene
from bodyswap.replacing.supplied import clean_as_supplied

_LEAST_ALPHA = 1 / 255


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A frame with the subject in the performer's place, and what it is made of.

    `touched_HW` is where anything may differ from the plate. `subject` has the plate's size, its
    colour as matched; `clean_HW3` is what stands where the performer was.
    """

    rgb_HW3: RGB
    touched_HW: npt.NDArray[np.bool_]
    subject: RenderedFrame
    performer_HW: Matte
    removed_HW: Matte
    clean_HW3: RGB
    seen_HW: npt.NDArray[np.bool_]


def lay(frame: RenderedFrame, plate_HW3: RGB, recipe: Recipe, set_HW3: RGB | None = None) -> Laid:
    """The plate's frame with the rendered one where the performer was.

    `set_HW3` is the clean plate's own picture for this frame, of a recipe whose set moves.
    """
    height, width = plate_HW3.shape[:2]
    scene = recipe.scene_of(frame.index)
    row = frame.index - recipe.performer.frames.start
    clean = _set_behind(scene, recipe.to_canvas_N33[row], plate_HW3, set_HW3)
    performer_HW, removed_HW = _mattes(plate_HW3, clean, recipe, row)
    noise_HW3 = grain(frame.index, height, width, clean.noise_3)
    colour_HW3, alpha_HW = _in_place(frame, scene.gains.on(frame.rgb_HW3), recipe, row, plate_HW3)
    colour_HW3 = colour_HW3 + noise_HW3
    # A set filmed or painted frame by frame has its own grain.
    behind_HW3 = clean.rgb_HW3 + (0 if recipe.set_moves else noise_HW3)
    empty_HW3 = _mixed(behind_HW3, plate_HW3, removed_HW)
    whole_HW3 = _mixed(colour_HW3, empty_HW3, alpha_HW)
    touched_HW = (removed_HW > 0) | (alpha_HW > 0)
    rounded = np.asarray(np.rint(whole_HW3.clip(0, 255)), np.uint8)
    subject_HW3 = np.asarray(np.rint(colour_HW3.clip(0, 255)), np.uint8)
    return Laid(
        rgb_HW3=np.where(touched_HW[:, :, None], rounded, plate_HW3),
        touched_HW=touched_HW,
        subject=RenderedFrame(rgb_HW3=subject_HW3, matte_HW=alpha_HW, index=frame.index),
        performer_HW=performer_HW,
        removed_HW=removed_HW,
        clean_HW3=clean.rgb_HW3,
        seen_HW=clean.seen_HW,
    )


def _set_behind(
    scene: Scene, to_canvas_33: Homographies, plate_HW3: RGB, set_HW3: RGB | None
) -> CleanPlate:
    height, width = plate_HW3.shape[:2]
    if set_HW3 is None:
        return scene.clean.as_seen(to_canvas_33, height, width)
    return clean_as_supplied(set_HW3, scene.clean.noise_3)


def _mattes(plate_HW3: RGB, clean: CleanPlate, recipe: Recipe, row: int) -> tuple[Matte, Matte]:
    height, width = plate_HW3.shape[:2]
    poses = recipe.performer
    if not poses.confidence_NK[row].any():
        nothing = np.zeros((height, width), np.float32)
        return nothing, nothing
    distance_HW = distance_to(
        poses.keypoints_NK2[row], poses.confidence_NK[row], poses.skeleton,
        torso_px=recipe.torso_px, height=height, width=width,
    )  # fmt: skip
    matte_HW = performer_matte(plate_HW3, clean, distance_HW)
    return matte_HW, removal_matte(matte_HW, recipe.torso_px)


def _in_place(
    frame: RenderedFrame, matched_HW3: Levels, recipe: Recipe, row: int, plate_HW3: RGB
) -> tuple[Levels, Matte]:
    """The subject's colour and matte where the performer was; colour is the plate's elsewhere."""
    height, width = plate_HW3.shape[:2]
    placed_23 = recipe.placed_N23[row]
    if not placed_23.any() or not frame.matte_HW.any():
        return plate_HW3.astype(np.float32), np.zeros((height, width), np.float32)
    # Made larger a picture wants the smoother curve, made smaller the mean of what it covers.
    how = cv2.INTER_CUBIC if placed_23[0, 0] > 1 else cv2.INTER_AREA
    colour_HW3 = cv2.warpAffine(matched_HW3, placed_23, (width, height), flags=how,
                                borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    alpha_HW = cv2.warpAffine(frame.matte_HW, placed_23, (width, height), flags=how)
    alpha_HW = np.where(alpha_HW < _LEAST_ALPHA, 0, alpha_HW.clip(0, 1))
    return np.asarray(colour_HW3, np.float32), np.asarray(alpha_HW, np.float32)


def _mixed(over_HW3: Levels, under_HW3: Levels | RGB, matte_HW: Matte) -> Levels:
    share = matte_HW[:, :, None]
    return np.asarray(over_HW3 * share + under_HW3 * (1 - share), np.float32)
