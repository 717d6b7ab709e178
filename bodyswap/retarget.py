"""Retarget: one person's pose as another would take it: their limbs, their place, their floor.

The performer's place on their floor becomes the subject's, near for near and far for far (Everybody
Dance Now, Chan et al., ICCV 2019, section 8.2). Each limb keeps its direction and takes the
subject's length. What touched the floor touches it again, and a foot that stood stays where it
stands.

It does not know which person is the performer, nor the networks.
Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import replace

import numpy as np

from bodyswap.people import PoseSequence
from bodyswap.retargeting.floor import ground_line, touches
from bodyswap.retargeting.footing import find_plants, replanted, with_planted_feet
from bodyswap.retargeting.limbs import (
    LEG,
    TYPICAL_LENGTHS,
    completed,
    limb_ratios,
    middle_of_hips,
    with_limbs,
)
from bodyswap.retargeting.place import find_place
from bodyswap.retargeting.stature import stance_of
from bodyswap.skeleton import Floats
from bodyswap.stance import StanceStatistics


def measure_stance(
    poses: PoseSequence, *, width: float, height: float, rate: float = 30.0
) -> StanceStatistics:
    """The stance statistics of one person's poses in a `width` x `height` picture."""
    return stance_of(poses, width=width, height=height, rate=rate)


def retarget(
    poses: PoseSequence,
    performer: StanceStatistics,
    subject: StanceStatistics,
    *,
    rate: float = 30.0,
) -> PoseSequence:
    """`poses`, in the performer's pixels, as the subject's: same motion, their place and size."""
    ratios = limb_ratios(performer.limb_lengths, subject.limb_lengths)
    stride = float(np.mean([ratios[limb] for limb in LEG]))
    ground_N, touch_NK = ground_line(poses, rate=rate), touches(poses, rate=rate)
    place = find_place(ground_N, performer, subject, stride=stride)

    def placed(points_N2: Floats) -> Floats:
        """Points beside the performer at the subject's place; steps have the subject's length."""
        from_2 = np.stack([np.full_like(ground_N, (performer.width - 1) / 2), ground_N], axis=1)
        to_2 = np.stack([np.full_like(ground_N, (subject.width - 1) / 2), place.ground_N], axis=1)
        moved_N2 = to_2 + (points_N2 - from_2) * place.scale_N[:, None] * stride
        return np.asarray(moved_N2, np.float32)

    whole_NK2 = completed(poses)
    limbs_NK2 = with_limbs(poses, ratios) * place.scale_N[:, None, None]
    moved_NK2 = placed(middle_of_hips(poses))[:, None] + limbs_NK2
    wanted_NK2 = np.stack([placed(joint_N2) for joint_N2 in whole_NK2.swapaxes(0, 1)], axis=1)
    moved_NK2 = replanted(moved_NK2, wanted_NK2, touch_NK, rate=rate)
    plants = find_plants(whole_NK2, touch_NK, performer.height_at(ground_N), poses.skeleton,
                         rate=rate)  # fmt: skip
    height_N = performer.height_at(ground_N) * place.scale_N
    lengths = {**TYPICAL_LENGTHS, **subject.limb_lengths}
    moved_NK2 = with_planted_feet(moved_NK2, plants, height_N, lengths, poses.skeleton, rate=rate)
    moved_NK2[:, :, 0] += _shift_into_frame(moved_NK2[:, :, 0], poses.confidence_NK, subject.width)
    return replace(poses, keypoints_NK2=moved_NK2.astype(np.float32))


def _shift_into_frame(x_NK: Floats, confidence_NK: Floats, width: float) -> float:
    """One shift for the whole shot that keeps the person in the subject's picture, if it fits."""
    seen = x_NK[confidence_NK > 0]
    if not seen.size:
        return 0.0
    left, right = np.percentile(seen, [1, 99])
    margin = 0.01 * width
    if right - left > width - 2 * margin:
        return float(width / 2 - (left + right) / 2)
    return float(max(margin - left, 0) + min(width - margin - right, 0))
