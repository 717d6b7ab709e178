"""Make a shot's recipe: clean plates over each scene, and the subject's place in every frame.

It looks at the whole shot once, and so does not know shards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
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
from bodyswap.replacing.match import Gains, gains_between
from bodyswap.replacing.nearness import nearness
from bodyswap.replacing.placement import place_subject
from bodyswap.replacing.recipe import Recipe, Replaced, Scene
from bodyswap.replacing.segment import CutOut
from bodyswap.replacing.supplied import SuppliedPlate, clean_as_supplied, grain_beside
from bodyswap.timing import FIRST_FRAME_NUMBER

Picture = Callable[[int], RGB]
"""The plate's frame at an index; asked for in rising order."""
_RIM_TORSOS = 0.05
"""How much of a person's rim the set is not learnt from."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A performer in the plate, and who stands in for them: poses in their own pixels, and their
    own background. Without, nobody does."""

    performer: PoseSequence
    subject: PoseSequence | None = None
    background_HW3: RGB | None = None


def make_recipe(
    swaps: Sequence[Swap],
    camera_N33: Homographies | None,
    picture: Picture,
    supplied: SuppliedPlate | None = None,
    segment: CutOut | None = None,
) -> Recipe:
    """All that replacing the performers takes; a `supplied` clean plate stands for ours.

    `segment` tells performers from the set, else their colours do.

    Raises:
        PlateError: the camera moves too far for a clean plate to be laid out.
        UsageError: the clean plate that was given is of another size; or it is a still, and the
            camera moves or the shot is cut.
    """
    lead = swaps[0].performer
    if supplied is not None and supplied.is_still:
        _check_still(lead, camera_N33)
    replaced = [_replaced(swap) for swap in swaps]
    scenes, maps = [], []
    for place, scene in enumerate(lead.scenes):
        low, high = (at - lead.frames.start for at in (scene.frames.start, scene.frames.stop))
        motion_N33 = None if camera_N33 is None else camera_N33[low:high]
        people = [
            _Person(poses=each.performer.scenes[place], torso_px=each.torso_px, segment=segment)
            for each in replaced
        ]
        clean, canvas = _clean_plate(people, motion_N33, picture, supplied)
        gains = tuple(_gains(clean, swap) for swap in swaps)
        scenes.append(Scene(start=scene.frames.start, clean=clean, gains=gains))
        maps.append(canvas.to_canvas_N33)
    return Recipe(
        replaced=tuple(replaced),
        to_canvas_N33=np.concatenate(maps),
        scenes=tuple(scenes),
        set_moves=supplied is not None and not supplied.is_still,
    )


@dataclass(frozen=True, kw_only=True)
class _Person:
    """One of those who are to be gone from a scene."""

    poses: PoseSequence
    torso_px: float
    segment: CutOut | None

    def hides(self, row: int, rgb_HW3: RGB) -> npt.NDArray[np.bool_]:
        """What of the set nobody can learn from a frame of the scene."""
        height, width = rgb_HW3.shape[:2]
        distance_HW = distance_to(
            self.poses.keypoints_NK2[row], self.poses.confidence_NK[row], self.poses.skeleton,
            torso_px=self.torso_px, height=height, width=width,
        )  # fmt: skip
        return hidden_by(rgb_HW3, distance_HW, _RIM_TORSOS * self.torso_px, self.segment)


def _replaced(swap: Swap) -> Replaced:
    size_px = torso_px(swap.performer)
    nowhere_N23 = np.zeros((len(swap.performer), 2, 3))
    return Replaced(
        performer=swap.performer,
        torso_px=size_px,
        nearness_N=nearness(swap.performer, size_px),
        placed_N23=(
            place_subject(swap.performer, swap.subject) if swap.subject is not None else nowhere_N23
        ),
        subject=swap.subject,
    )


def _gains(clean: CleanPlate, swap: Swap) -> Gains:
    if swap.background_HW3 is None:
        return Gains(rgb_3=(1.0, 1.0, 1.0))
    return gains_between(clean.rgb_HW3, swap.background_HW3)


def _clean_plate(
    people: Sequence[_Person], motion_N33: Homographies | None, picture: Picture,
    supplied: SuppliedPlate | None,
) -> tuple[CleanPlate, Canvas]:  # fmt: skip
    frames = people[0].poses.frames
    still_N33 = np.tile(np.eye(3), (len(frames), 1, 1))
    height, width = picture(frames.start).shape[:2]
    rows = sample_of(len(frames), height, width)
    pictures = [picture(frames.start + row) for row in rows]
    hidden = [
        np.logical_or.reduce([person.hides(row, each) for person in people])
        for row, each in zip(rows, pictures, strict=True)
    ]
    if supplied is not None:
        given = [_fitting(supplied.picture(frames.start + row), each)
                 for row, each in zip(rows, pictures, strict=True)]  # fmt: skip
        clean = clean_as_supplied(given[0], grain_beside(pictures, given, hidden))
        return clean, Canvas(to_canvas_N33=still_N33, height=height, width=width)
    canvas = canvas_of(
        to_first_frame(still_N33 if motion_N33 is None else motion_N33), height, width
    )
    return median_plate(pictures, hidden, canvas.to_canvas_N33[rows], canvas), canvas


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
