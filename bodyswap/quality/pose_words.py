"""What a pose is, in a camera crew's words; and what to film to have more of it.

It does not know who is in it. Words say what the picture shows, not what the body does in depth.
Shape letters: N poses, K joints of COCO-17, 2 = x and y in person heights, y down.
"""

from collections.abc import Sequence

import numpy as np

from bodyswap.people import Mask
from bodyswap.quality.coverage import PoseSet
from bodyswap.skeleton import COCO_17, Floats

UPSIDE_DOWN = "upside down"
LEVEL = "body level"
AT_CAMERA = "body pointing at the camera"
ATTITUDES = (UPSIDE_DOWN, LEVEL, AT_CAMERA)
"""How the body lies, where it is not upright: one of these at most."""
FOOT_HIGH = "a foot at hip height or above"
CROUCHED = "crouched"
WIDE = "feet wide apart"
OVERHEAD = "arms overhead"
SPREAD = "arms spread"
FRONT, BACK, SIDE = "facing the camera", "back to the camera", "side to the camera"

_FILM = {
    UPSIDE_DOWN: "a handstand or a cartwheel",
    LEVEL: "getting down to the floor, rolling and crawling",
    AT_CAMERA: "bowing, and leaning towards the camera and away from it",
    FOOT_HIGH: "kicks and high knees",
    CROUCHED: "squats and crouches",
    WIDE: "lunges and wide stances",
    OVERHEAD: "reaching up and jumping jacks",
    SPREAD: "arms stretched out and swung",
}
_VIEWS = {FRONT: FRONT, BACK: "with the back to the camera", SIDE: "seen from the side"}


def describe(poses: PoseSet) -> dict[str, Mask]:
    """Each word, and the poses it fits (N); a pose of which too little is known fits none."""
    hips, shoulders = _middle(poses, "hip"), _middle(poses, "shoulder")
    torso_N2 = shoulders - hips
    long_N = np.linalg.norm(torso_N2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        up_N2 = torso_N2 / long_N[:, None]
        rise_N = -up_N2[:, 1]
        across_N2 = _joint(poses, "right_shoulder") - _joint(poses, "left_shoulder")
        facing_N = up_N2[:, 0] * across_N2[:, 1] - up_N2[:, 1] * across_N2[:, 0]
        wrists = [_along(_joint(poses, f"{side}_wrist") - shoulders, up_N2) for side in _SIDES]
        ankles = [_along(_joint(poses, f"{side}_ankle") - hips, up_N2) for side in _SIDES]
        apart = [
            np.linalg.norm(_joint(poses, f"left_{name}") - _joint(poses, f"right_{name}"), axis=1)
            for name in ("wrist", "ankle")
        ]
        is_at_camera = long_N < 0.12
        foot_high = ~is_at_camera & (np.fmax(*ankles) > -0.1)
        return {
            UPSIDE_DOWN: ~is_at_camera & (rise_N < -0.5),
            LEVEL: ~is_at_camera & (np.abs(rise_N) <= 0.5),
            AT_CAMERA: is_at_camera,
            FOOT_HIGH: foot_high,
            CROUCHED: ~foot_high & ~is_at_camera & (np.fmin(*ankles) > -0.3),
            WIDE: apart[1] > 0.45,
            OVERHEAD: ~is_at_camera & (np.fmin(*wrists) > 0.12),
            SPREAD: apart[0] > 0.7,
            FRONT: facing_N < -0.06,
            BACK: facing_N > 0.06,
            SIDE: np.abs(facing_N) <= 0.06,
        }


def what_to_film(words: Sequence[str]) -> str:
    """A request to the subject, for more poses that these words fit."""
    views = [_VIEWS[word] for word in words if word in _VIEWS]
    actions = [_FILM[word] for word in words if word in _FILM][:2]
    wanted = "; ".join(actions) or "more of this movement, slowly"
    return ", ".join([wanted, *views[:1]])


_SIDES = ("left", "right")


def _joint(poses: PoseSet, name: str) -> Floats:
    joint = COCO_17.joint(name)
    known_N = poses.known_NK[:, joint]
    return np.asarray(np.where(known_N[:, None], poses.joints_NK2[:, joint], np.nan), np.float32)


def _middle(poses: PoseSet, name: str) -> Floats:
    return np.asarray((_joint(poses, f"left_{name}") + _joint(poses, f"right_{name}")) / 2)


def _along(vector_N2: Floats, up_N2: Floats) -> Floats:
    return np.asarray((vector_N2 * up_N2).sum(axis=1))
