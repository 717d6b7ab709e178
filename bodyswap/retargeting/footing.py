"""Footing: the body on its floor again after its limbs changed, and planted feet that stay put.

Touching joints are put back to where the floor is. A foot (or hand) that stood still in the plate
stands still in the result: the body gives way a little where both feet stand, the leg takes the
rest, spread from hip to ankle, never longer than its bones.

It does not know how the pose came about.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from bodyswap.people import Mask
from bodyswap.retargeting.floor import runs
from bodyswap.retargeting.limbs import branches
from bodyswap.skeleton import Floats, Skeleton

DRIFT = 0.06
"""A foot that goes farther than this while it stands, in person heights, is planted anew."""
_BLEND_S = 0.12
_BODY_S = 0.12
_SETTLE_S = 0.08
_MOST_MOVED = 0.1
"""No planted foot is moved farther than this, in person heights."""
_STRETCH = 1.03
_LIMBS = {
    "ankle": ("hip", "knee", "ankle"),
    "wrist": ("shoulder", "elbow", "wrist"),
}


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A foot or hand, the end of a chain of joints, that stands from `start` to before `stop`."""

    chain: tuple[int, int, int]
    start: int
    stop: int


def replanted(keypoints_NK2: Floats, wanted_NK2: Floats, touch_NK: Mask, *, rate: float) -> Floats:
    """The body moved up or down until what touches the floor is as high as in `wanted_NK2`.

    In the air the correction runs from the last touch to the next.
    """
    weight_N = touch_NK.sum(axis=1)
    known = np.flatnonzero(weight_N)
    if not known.size:
        return keypoints_NK2
    low_NK = ((wanted_NK2 - keypoints_NK2)[:, :, 1]) * touch_NK
    rise_N = np.interp(np.arange(len(weight_N)), known, low_NK.sum(axis=1)[known] / weight_N[known])
    rise_N = gaussian_filter1d(rise_N, sigma=max(_SETTLE_S * rate, 0.5), mode="nearest")
    moved = keypoints_NK2.copy()
    moved[:, :, 1] += rise_N[:, None]
    return moved


def find_plants(
    keypoints_NK2: Floats, touch_NK: Mask, height_N: Floats, skeleton: Skeleton, *, rate: float
) -> list[Plant]:
    """Every time a foot or hand stands still; cut where it has crept too far to be standing."""
    found = []
    for chain in _chains(skeleton):
        end_N2 = keypoints_NK2[:, chain[-1]]
        for start, stop in runs(touch_NK[:, chain[-1]]):
            for first, last in pairwise(_crept(end_N2, height_N, start, stop)):
                if last - first >= max(2, round(0.1 * rate)):
                    found.append(Plant(chain=chain, start=first, stop=last))
    return found


def with_planted_feet(
    keypoints_NK2: Floats,
    plants: list[Plant],
    height_N: Floats,
    lengths: dict[str, float],
    skeleton: Skeleton,
    *,
    rate: float,
) -> Floats:
    """The pose with every plant's foot at one point; `lengths` of limbs are in person heights."""
    moved = keypoints_NK2.copy()
    pulls = {chain: _pull(moved, chain, plants, height_N, rate) for chain in _chains(skeleton)}
    feet = [pull for chain, pull in pulls.items() if skeleton.joints[chain[-1]].endswith("ankle")]
    body_N2 = _pull_of_body(feet, rate)
    moved += body_N2[:, None]
    for chain, (pull_N2, hold_N) in pulls.items():
        rest_N2 = (pull_N2 - body_N2) * hold_N[:, None]
        _bend(moved, chain, rest_N2, height_N, lengths, skeleton, rate)
    return moved


def _chains(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    return [
        (
            skeleton.joint(f"{side}_{a}"),
            skeleton.joint(f"{side}_{b}"),
            skeleton.joint(f"{side}_{c}"),
        )
        for a, b, c in _LIMBS.values()
        for side in ("left", "right")
    ]


def _crept(end_N2: Floats, height_N: Floats, start: int, stop: int) -> list[int]:
    """Where a run is to be cut so that in no part the foot wanders too far."""
    cuts, first = [start], start
    for frame in range(start + 1, stop):
        spread = float(np.linalg.norm(np.ptp(end_N2[first : frame + 1], axis=0)))
        if spread > DRIFT * height_N[frame]:
            cuts.append(frame)
            first = frame
    return [*cuts, stop]


def _pull(
    keypoints_NK2: Floats, chain: tuple[int, int, int], plants: list[Plant], height_N: Floats,
    rate: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """How far the chain's end is to be moved, (N, 2), and how firmly it is held, (N) in [0, 1]."""
    count = len(keypoints_NK2)
    end_N2 = keypoints_NK2[:, chain[-1]]
    pull_N2, hold_N = np.zeros((count, 2)), np.zeros(count)
    blend = max(1, round(_BLEND_S * rate))
    for plant in (one for one in plants if one.chain == chain):
        anchor_2 = end_N2[plant.start : plant.stop].mean(axis=0)
        away = np.maximum(plant.start - np.arange(count), np.arange(count) - plant.stop + 1)
        share = (1 - np.maximum(away, 0) / (blend + 1)).clip(0, 1)
        firm_N = share * share * (3 - 2 * share)
        inside_N2 = anchor_2 - end_N2[np.arange(count).clip(plant.start, plant.stop - 1)]
        stronger = firm_N > hold_N
        pull_N2[stronger], hold_N[stronger] = inside_N2[stronger], firm_N[stronger]
    far_N = np.linalg.norm(pull_N2, axis=1)
    within_N = np.minimum(1, _MOST_MOVED * height_N / np.maximum(far_N, 1e-6))
    pull_N2 *= within_N[:, None]
    return pull_N2.astype(np.float32), hold_N.astype(np.float32)


def _pull_of_body(feet: list[tuple[Floats, Floats]], rate: float) -> Floats:
    """How far the whole body gives way: what both feet ask for, smoothly."""
    asked = sum(pull_N2 * hold_N[:, None] for pull_N2, hold_N in feet) / len(feet)
    return np.asarray(
        gaussian_filter1d(asked, sigma=max(_BODY_S * rate, 0.5), axis=0, mode="nearest")
    )


def _bend(
    keypoints_NK2: Floats, chain: tuple[int, int, int], rest_N2: Floats, height_N: Floats,
    lengths: dict[str, float], skeleton: Skeleton, rate: float,
) -> None:  # fmt: skip
    """Move the chain's end by `rest_N2` and its middle by a share, as far as the bones reach."""
    root, middle, end = chain
    upper_N = np.linalg.norm(keypoints_NK2[:, middle] - keypoints_NK2[:, root], axis=1)
    lower_N = np.linalg.norm(keypoints_NK2[:, end] - keypoints_NK2[:, middle], axis=1)
    share_N = upper_N / np.maximum(upper_N + lower_N, 1e-6)
    tree = {one.joint: one for one in branches(skeleton)}
    names = skeleton.joints[middle], skeleton.joints[end]
    longest = [lengths[tree[name].limb] * height_N * _STRETCH for name in names]
    fraction_N = np.zeros(len(keypoints_NK2))
    for fraction in (0.25, 0.5, 0.75, 1.0):
        mid_N2 = keypoints_NK2[:, middle] + fraction * share_N[:, None] * rest_N2
        end_N2 = keypoints_NK2[:, end] + fraction * rest_N2
        upper = np.linalg.norm(mid_N2 - keypoints_NK2[:, root], axis=1)
        lower = np.linalg.norm(end_N2 - mid_N2, axis=1)
        fits_N = (upper <= np.maximum(longest[0], upper_N)) & (
            lower <= np.maximum(longest[1], lower_N)
        )
        fraction_N = np.where(fits_N, fraction, fraction_N)
    eased_N = minimum_filter1d(fraction_N, size=3, mode="nearest")
    eased_N = gaussian_filter1d(eased_N, sigma=max(0.05 * rate, 0.5), mode="nearest")
    shift_N2 = rest_N2 * np.minimum(eased_N, 1)[:, None]
    keypoints_NK2[:, middle] += share_N[:, None] * shift_N2
    for joint in _with_what_hangs_on(end, skeleton):
        keypoints_NK2[:, joint] += shift_N2


def _with_what_hangs_on(joint: int, skeleton: Skeleton) -> list[int]:
    """A joint and everything farther out: the toes go with their ankle."""
    names = [skeleton.joints[joint]]
    for one in branches(skeleton):
        if one.parent in names:
            names.append(one.joint)
    return [skeleton.joint(name) for name in names]
