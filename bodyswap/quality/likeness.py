"""Identity distance: how far the person in a render is from the one in its reference, by colour.

Each part of the body, head, torso, arms and legs, is compared by its median colour: hair, skin and
clothes, by which people are told apart at the size they have in a shot. It is no face recognition:
that takes a network trained on faces whose owners were not asked. Each picture is looked at where
its own pose is, so a limb in the wrong place counts as a pose error and not as another person.
Shape letters: H rows, W columns, P parts, 3 = lightness, a, b.
"""

from collections.abc import Iterable

import numpy as np

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.keypoints.appearance import describe_people
from bodyswap.people import PoseSequence
from bodyswap.skeleton import Floats


def identity_distances(
    rendered: Iterable[RGB], reference: Iterable[RGB], shown: PoseSequence, truth: PoseSequence
) -> list[float | None]:
    """Each frame's mean colour difference, in CIE 1976's delta E, over the parts seen in both.

    `shown` and `truth` are the poses in `rendered` and in `reference`, frame for frame. None where
    no part is seen in both.

    Raises:
        UsageError: there is not a pose for each picture.
    """
    try:
        return [
            _distance(_look(one, shown, index), _look(other, truth, index))
            for index, (one, other) in enumerate(zip(rendered, reference, strict=True))
        ]
    except (ValueError, IndexError) as error:
        raise UsageError(f"cannot compare looks: {error}; give a pose for each frame") from error


def _look(picture_HW3: RGB, poses: PoseSequence, index: int) -> Floats:
    """The colours of the parts, (P, 3); NaN for those that are not seen."""
    joints_K2, confidence_K = poses.keypoints_NK2[index], poses.confidence_NK[index]
    described = describe_people(picture_HW3, joints_K2[None], confidence_K[None], poses.skeleton)
    return described.reshape(-1, 3)


def _distance(one_P3: Floats, other_P3: Floats) -> float | None:
    apart_P = np.linalg.norm(one_P3 - other_P3, axis=1)
    known = apart_P[np.isfinite(apart_P)]
    return float(known.mean()) if known.size else None
