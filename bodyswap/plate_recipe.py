"""The recipe for replacing the performer, made once from the whole plate in the solve step.

It does not know shards, or who renders.
"""

from dataclasses import replace

import numpy as np

from bodyswap.config import Over, RenderSettings
from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.homography import Homographies
from bodyswap.media.index import ClipIndex
from bodyswap.overlap import NO_OVERLAP, Overlap
from bodyswap.people import PoseSequence
from bodyswap.pieces import Pieces, pieces_of
from bodyswap.plate_pieces import PlatePieces
from bodyswap.replacing.make import make_recipe
from bodyswap.replacing.recipe import Recipe
from bodyswap.solve import Solution
from bodyswap.steps import step
from bodyswap.timing import FrameRange
from bodyswap.traces import Traces


def with_recipe(
    solution: Solution, clip: ClipIndex, background_HW3: RGB, camera_N33: Homographies | None,
    settings: RenderSettings,
) -> Solution:  # fmt: skip
    """The solution and, where the settings lay the subject over the plate, how to do that."""
    if settings.over != Over.PLATE:
        return solution

    def picture(index: int) -> RGB:
        frames = FrameRange(start=index, stop=index + 1)
        return np.asarray(next(decode(clip, frames, batch_frames=1)).rgb_NHW3[0], np.uint8)

    with step("clean plate"):
        recipe = make_recipe(
            solution.performer, solution.subject, camera_N33, picture, background_HW3
        )
    seen = float(np.mean([scene.clean.seen_HW.mean() for scene in recipe.scenes]))
    told = {**solution.report, "clean_plate_seen": round(seen, 4)}
    return replace(solution, recipe=recipe.to_bytes(), report=told)


def pieces_for(
    settings: RenderSettings, plate: ClipIndex, background_HW3: RGB, poses: PoseSequence,
    recipe: bytes | None, traces: Traces, overlap: Overlap = NO_OVERLAP,
) -> Pieces:  # fmt: skip
    """How the delivery is made in parts: over the subject's background, or by the recipe."""
    inner = pieces_of(settings, plate, background_HW3, poses, traces, overlap)
    if recipe is None:
        return inner
    return PlatePieces(plate=plate, inner=inner, recipe=Recipe.from_bytes(recipe))
