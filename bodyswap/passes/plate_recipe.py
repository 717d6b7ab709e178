"""The recipe for replacing the performer, made once from the whole plate in the solve step.

It does not know shards, or who renders.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from bodyswap.config import Over
from bodyswap.errors import UsageError
from bodyswap.homography import Homographies
from bodyswap.overlap import NO_OVERLAP, Overlap
from bodyswap.passes.clean_plate import CleanPlateFile, fit_clean_plate, picture_of
from bodyswap.passes.open_shot import OpenShot
from bodyswap.passes.pieces import Pieces, pieces_of
from bodyswap.passes.plate_pieces import PlatePieces
from bodyswap.passes.traces import Traces
from bodyswap.people import PoseSequence
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.replacing.recipe import Recipe
from bodyswap.replacing.segmenter import load_segmenter
from bodyswap.solve import Solution
from bodyswap.steps import step
from bodyswap.timing import FrameRange


def with_recipe(
    solution: Solution,
    shot: OpenShot,
    camera_N33: Homographies | None,
    others: Sequence[Swap] = (),
) -> Solution:
    """The solution and, where the settings lay the subject over the plate, how to do that.

    The `others` are replaced with the lead.

    Raises:
        UsageError: the clean plate that was given does not fit the plate, or nothing is laid there.
    """
    given = _given(shot, solution.performer.frames)
    if shot.settings.over != Over.PLATE:
        return solution
    with step("clean plate"):
        lead = Swap(
            performer=solution.performer,
            subject=solution.subject,
            background_HW3=shot.background_HW3,
        )
        recipe = make_recipe(
            [lead, *others], camera_N33, partial(picture_of, shot.plate),
            None if given is None else given.supplied, load_segmenter(shot.settings.replacing),
        )  # fmt: skip
    seen = float(np.mean([scene.clean.seen_HW.mean() for scene in recipe.scenes]))
    told = {**solution.report, "clean_plate_seen": round(seen, 4)}
    if given is not None:
        told["clean_plate"] = "given, a still" if given.is_still else "given, frame by frame"
    return replace(solution, recipe=recipe.to_bytes(), report=told)


def read_recipe(data: bytes | None) -> Recipe | None:
    """What the solve step left, if it left any. Raises IntegrityError where it is damaged."""
    return Recipe.from_bytes(data) if data else None


def pieces_for(
    shot: OpenShot,
    poses: PoseSequence,
    recipe: Recipe | None,
    traces: Traces,
    overlap: Overlap = NO_OVERLAP,
) -> Pieces:
    """How the delivery is made in parts: over the subject's background, or by the recipe."""
    inner = pieces_of(shot, poses, traces, overlap)
    if recipe is None:
        return inner
    return PlatePieces(
        plate=shot.plate,
        inner=inner,
        recipe=recipe,
        clean_plate=_given(shot, poses.frames),
        segment=load_segmenter(shot.settings.replacing),
    )


def _given(shot: OpenShot, frames: FrameRange) -> CleanPlateFile | None:
    if shot.clean_plate is None:
        return None
    if shot.settings.over != Over.PLATE:
        raise UsageError(
            f"the clean plate {shot.clean_plate.path.name} stands behind nobody: the subject is"
            " laid over their own background; give --over plate too"
        )
    return fit_clean_plate(shot.clean_plate, shot.plate, frames)
