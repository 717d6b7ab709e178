"""How large a person looks: the measure for what is a jump, a jitter or a tremble of theirs.

It does not know which frame is looked at: one size serves a whole shot.

Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

import numpy as np

from bodyswap.people import PoseSequence

_TYPICAL = 80
"""The percentile of the torso's lengths: a torso leaning to the camera looks short."""
_LEAST_PX = 4.0


def torso_px(poses: PoseSequence) -> float:
    """The length from a shoulder to the opposite hip, in pixels.

    Where no frame shows one, a third of how far the person reaches.
    """
    joint = poses.skeleton.joint
    ends = [("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")]
    first, last = (np.array([joint(pair[side]) for pair in ends]) for side in (0, 1))
    is_seen = (poses.confidence_NK[:, first] > 0) & (poses.confidence_NK[:, last] > 0)
    across = poses.keypoints_NK2[:, first] - poses.keypoints_NK2[:, last]
    lengths = np.linalg.norm(across, axis=2)[is_seen]
    if lengths.size:
        return max(float(np.percentile(lengths, _TYPICAL)), _LEAST_PX)
    return max(_reach_px(poses) / 3, _LEAST_PX)


def _reach_px(poses: PoseSequence) -> float:
    seen = poses.keypoints_NK2[poses.confidence_NK > 0]
    return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
