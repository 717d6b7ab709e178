"""Gaps: joints unseen for a moment are filled from before and after; longer ones stay absent.

It does not know why a joint was not seen.

Shape letters: N frames, K joints, 2 = x and y in pixels.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from bodyswap.people import PoseSequence


def fill_gaps(poses: PoseSequence, longest_frames: int) -> PoseSequence:
    """Interpolate every joint over gaps of at most `longest_frames`, at half the confidence."""
    keypoints, confidence = poses.keypoints_NK2.copy(), poses.confidence_NK.copy()
    filled_NK = np.zeros(confidence.shape, np.bool_)
    for joint in range(confidence.shape[1]):
        known = np.flatnonzero(poses.confidence_NK[:, joint] > 0)
        for before, after in pairwise(known.tolist()):
            if 1 < after - before <= longest_frames + 1:
                inside = np.arange(before + 1, after)
                share = ((inside - before) / (after - before))[:, None]
                ends = keypoints[before, joint], keypoints[after, joint]
                keypoints[inside, joint] = ends[0] + share * (ends[1] - ends[0])
                confidence[inside, joint] = 0.5 * min(confidence[[before, after], joint])
                filled_NK[inside, joint] = True
    return replace(poses, keypoints_NK2=keypoints, confidence_NK=confidence, filled_NK=filled_NK)
