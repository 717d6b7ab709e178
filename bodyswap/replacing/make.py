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
from bodyswap.replacing.supplied import SuppliedPlate, clean_as_supplied, grain_beside
from bodyswap.timing import FIRST_FRAME_NUMBER

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
    supplied: SuppliedPlate | None = None,
) -> Recipe:
    """All that replacing the performer takes; a `supplied` clean plate stands for ours.

    Raises:
        PlateError: the camera moves too far for a clean plate to be laid out.
        UsageError: the clean plate that was given is of another size; or it is a still, and the
            camera moves or the shot is cut.
    """
    if supplied is not None and supplied.is_still:
        _check_still(performer, camera_N33)
    size_px = torso_px(performer)
    scenes, maps = [], []
    for scene in performer.scenes:
        low, high = (at - performer.frames.start for at in (scene.frames.start, scene.frames.stop))
        motion_N33 = None if camera_N33 is None else camera_N33[low:high]
        clean, canvas = _clean_plate(scene, motion_N33, picture, size_px, supplied)
        gains = gains_between(clean.rgb_HW3, background_HW3)
        scenes.append(Scene(start=scene.frames.start, clean=clean, gains=gains))
        maps.append(canvas.to_canvas_N33)
    return Recipe(
        performer=performer,
        torso_px=size_px,
        placed_N23=place_subject(performer, subject),
        to_canvas_N33=np.concatenate(maps),
        scenes=tuple(scenes),
        set_moves=supplied is not None and not supplied.is_still,
    )


def _clean_plate(
    scene: PoseSequence, motion_N33: Homographies | None, picture: Picture, size_px: float,
    supplied: SuppliedPlate | None,
) -> tuple[CleanPlate, Canvas]:  # fmt: skip
    still_N33 = np.tile(np.eye(3), (len(scene), 1, 1))
    height, width = picture(scene.frames.start).shape[:2]
    rows = sample_of(len(scene), height, width)
    pictures = [picture(scene.frames.start + row) for row in rows]
    hidden = [
        hidden_by(each, _distance(scene, row, size_px, each), _RIM_TORSOS * size_px)
        for row, each in zip(rows, pictures, strict=True)
    ]
    if supplied is not None:
        given = [_fitting(supplied.picture(scene.frames.start + row), each)
                 for row, each in zip(rows, pictures, strict=True)]  # fmt: skip
        clean = clean_as_supplied(given[0], grain_beside(pictures, given, hidden))
        return clean, Canvas(to_canvas_N33=still_N33, height=height, width=width)
    canvas = canvas_of(
        to_first_frame(still_N33 if motion_N33 is None else motion_N33), height, width
    )
    return median_plate(pictures, hidden, canvas.to_canvas_N33[rows], canvas), canvas


def _distance(scene: PoseSequence, row: int, size_px: float, rgb_HW3: RGB) -> Matte:
    height, width = rgb_HW3.shape[:2]
    return distance_to(
        scene.keypoints_NK2[row], scene.confidence_NK[row], scene.skeleton,
        torso_px=size_px, height=height, width=width,
    )  # fmt: skip


def _check_still(performer: PoseSequence, camera_N33: Homographies | None) -> None:
    if performer.cuts:
        raise UsageError(
            f"the clean plate given is a still, and the shot is cut before frame"
            f" {performer.cuts[0] + FIRST_FRAME_NUMBER};"
            " give one that has a picture for each frame, or render each scene as a job of its own"
        )
    if camera_N33 is not None and not (camera_N33 == np.eye(3)).all():
        raise UsageError(
            "the clean plate given is a still, and the camera moves; give one that has a picture"
            " for each frame, or none"
        )


def _fitting(supplied_HW3: RGB, rgb_HW3: RGB) -> RGB:
    if supplied_HW3.shape != rgb_HW3.shape:
        raise UsageError(
            f"the clean plate given is {supplied_HW3.shape[1]}x{supplied_HW3.shape[0]}, and the"
            f" plate is {rgb_HW3.shape[1]}x{rgb_HW3.shape[0]}; give one as the camera saw it"
        )
    return supplied_HW3
