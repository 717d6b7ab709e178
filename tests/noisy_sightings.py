"""Sightings of a known motion, as noisy as the shipped pose model's own are on the stage."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from bodyswap.keypoints.body_size import torso_px
from bodyswap.people import PoseSequence


def noisy(truth: PoseSequence, *, seed: int = 0, share: float = 1.0) -> PoseSequence:
    """The poses, each joint off by noise that grows tenfold for each half of confidence lost.

    Filmed on the stage, a joint seen with confidence 0.95 trembled by 1.2 % of the torso, one of
    0.45 by 10 %. `share` scales the noise.
    """
    generator = np.random.default_rng(seed)
    shape = truth.confidence_NK.shape
    doubt = np.abs(gaussian_filter1d(generator.normal(0, 1.6, shape), 3, axis=0))
    confidence = np.clip(0.95 - doubt, 0.35, 1)
    deviation = share * torso_px(truth) * 0.012 * 10 ** (2 * (0.95 - confidence))
    off = generator.normal(0, 1, (*shape, 2)) * deviation[:, :, None]
    return replace(
        truth,
        keypoints_NK2=(truth.keypoints_NK2 + off).astype(np.float32),
        confidence_NK=confidence.astype(np.float32),
    )
