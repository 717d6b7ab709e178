"""The performer: which of a shot's tracks gives the motion, and their pose in every frame.

It does not know how tracks were linked, nor what becomes of the poses.

Shape letters: N frames, M detections, K joints.
"""

from collections.abc import Sequence

import numpy as np

from bodyswap.keypoints.tracks import Track
from bodyswap.people import Detections, PoseSequence
from bodyswap.timing import FrameRange


def choose_performer(tracks: Sequence[Track]) -> Track:
    """The track that is seen the largest for the longest."""
    return max(tracks, key=_presence)


def spread_track(
    track: Track, detections: Detections, frames: FrameRange, *, least_confidence: float
) -> PoseSequence:
    """The track's poses at every frame of the range; joints not trusted have confidence 0."""
    shape = (len(frames), len(detections.skeleton.joints))
    keypoints, confidence = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    rows = detections.frame_M[track.detections] - frames.start
    inside = (rows >= 0) & (rows < len(frames))
    rows, picked = rows[inside], track.detections[inside]
    keypoints[rows] = detections.keypoints_MK2[picked]
    trusted = detections.confidence_MK[picked] >= least_confidence
    confidence[rows] = np.where(trusted, detections.confidence_MK[picked], 0).clip(0, 1)
    return PoseSequence(
        skeleton=detections.skeleton, frames=frames, keypoints_NK2=keypoints,
        confidence_NK=confidence,
    )  # fmt: skip


def _presence(track: Track) -> float:
    return float(track.size_px.sum() * track.confidence.mean())
