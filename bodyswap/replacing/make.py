"""Make a shot's recipe: clean plates over each scene, and the subject's place in every frame.

It looks at the whole shot once, and so does not know shards.
"""

from collections.abc import Callable

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.frames import RGB, Matte
from bodyswap.homography import Homographies, to_first_frame
from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence
from bodyswap.replacing.cleanplate import (
    Canvas,
    CleanPlate,
    canvas_of,
    hidden_by,
    median_plate,
    sample_of,
)
from bodyswap.replacing.figure import distance_to
from bodyswap.replacing.match import gains_between
from bodyswap.replacing.placement import place_subject
from bodyswap.replacing.recipe import Recipe, Scene

Picture = Callable[[int], RGB]
"""The plate's frame at an index; asked for in rising order."""
_RIM_TORSOS = 0.05
"""How much of a person's rim the set is not learnt from."""


def make_recipe(
    performer: PoseSequence,
    subject: PoseSequence,
    camera_N33: Homographies | None,
    picture: Picture,
    background_HW3: RGB,
    supplied_HW3: RGB | None = None,
) -> Recipe:
    """All that replacing the performer takes; `supplied_HW3` is a clean plate that stands for ours.

    Raises:
        PlateError: the camera moves too far for a clean plate to be laid out.
        UsageError: the clean plate that was given is of another size, or the camera moves.
    """
    size_px = torso_px(performer)
    scenes, maps = [], []
    for scene in performer.scenes:
        low, high = (at - performer.frames.start for at in (scene.frames.start, scene.frames.stop))
        motion_N33 = None if camera_N33 is None else camera_N33[low:high]
        clean, canvas = _clean_plate(scene, motion_N33, picture, size_px, supplied_HW3)
        gains = gains_between(clean.rgb_HW3, background_HW3)
        scenes.append(Scene(start=scene.frames.start, clean=clean, gains=gains))
        maps.append(canvas.to_canvas_N33)
    return Recipe(
        performer=performer,
        torso_px=size_px,
        placed_N23=place_subject(performer, subject),
        to_canvas_N33=np.concatenate(maps),
        scenes=tuple(scenes),
    )


def _clean_plate(
    scene: PoseSequence, motion_N33: Homographies | None, picture: Picture, size_px: float,
    supplied_HW3: RGB | None,
) -> tuple[CleanPlate, Canvas]:  # fmt: skip
    count = len(scene)
    motion_N33 = np.tile(np.eye(3), (count, 1, 1)) if motion_N33 is None else motion_N33
    first = picture(scene.frames.start)
    height, width = first.shape[:2]
    canvas = canvas_of(to_first_frame(motion_N33), height, width)
    rows = sample_of(count, height, width)
    pictures = [picture(scene.frames.start + row) for row in rows]
    hidden = [
        hidden_by(each, _distance(scene, row, size_px, each), _RIM_TORSOS * size_px)
        for row, each in zip(rows, pictures, strict=True)
    ]
    made = median_plate(pictures, hidden, canvas.to_canvas_N33[rows], canvas)
    return (made if supplied_HW3 is None else _supplied(supplied_HW3, made, canvas)), canvas


def _distance(scene: PoseSequence, row: int, size_px: float, rgb_HW3: RGB) -> Matte:
    height, width = rgb_HW3.shape[:2]
    return distance_to(
        scene.keypoints_NK2[row], scene.confidence_NK[row], scene.skeleton,
        torso_px=size_px, height=height, width=width,
    )  # fmt: skip


def _supplied(rgb_HW3: RGB, made: CleanPlate, canvas: Canvas) -> CleanPlate:
    if rgb_HW3.shape[:2] != (canvas.height, canvas.width):
        raise UsageError(
            f"the clean plate given is {rgb_HW3.shape[1]}x{rgb_HW3.shape[0]}, and the shot's is"
            f" {canvas.width}x{canvas.height}; give one as the camera saw the first frame, where"
            " it does not move"
        )
    seen_HW = np.ones(rgb_HW3.shape[:2], np.bool_)
    return CleanPlate(rgb_HW3=rgb_HW3, seen_HW=seen_HW, noise_3=made.noise_3)
