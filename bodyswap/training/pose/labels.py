"""Labels real footage: a joint counts where two teachers agree on it.

It does not know where frames come from, nor what is trained on the result.

Shape letters: N frames, H rows, W columns, K joints, 2 = x and y.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB, FrameBatch, Matte
from bodyswap.training.pose.backgrounds import clean_plate
from bodyswap.training.pose.measure import torso_lengths
from bodyswap.training.pose.samples import KNOWN, UNKNOWN, Bytes, Samples, States, cut_sample
from bodyswap.training.pose.teachers import BlazePose, Guess, MoveNet

AGREEMENT_TORSO = 0.2
"""How far apart the teachers may place a joint, in torso lengths (shoulder to opposite hip)."""
LEAST_CONFIDENCE = (0.5, 0.3)
LEAST_JOINTS = 10
_REFINEMENTS = 2
_PLATE_EVERY = 10
_PLATE_ROWS = 720


@dataclass(frozen=True, kw_only=True)
class LabelledClip:
    """A clip's samples, and its picture without the person; None where no frame had one."""

    samples: Samples
    plate_HW3: RGB
    frames: int


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One frame's sample and the person's matte over the whole frame."""

    sample: Samples
    matte_HW: Matte


def label_clip(
    batches: Iterable[FrameBatch], blazepose: BlazePose, movenet: MoveNet
) -> LabelledClip | None:
    """A sample for each frame in which the teachers agree on a person; None if in none."""
    samples: list[Samples] = []
    empty: list[tuple[RGB, Bytes]] = []
    count = 0
    for index, rgb_HW3 in _frames(batches):
        count = index + 1
        sight = label_frame(rgb_HW3, index, blazepose, movenet)
        if sight is None:
            continue
        samples.append(sight.sample)
        if len(samples) % _PLATE_EVERY == 1:
            empty.append(_small(rgb_HW3, sight.matte_HW))
    if not samples:
        return None
    plate = clean_plate(
        np.stack([frame for frame, _ in empty]), np.stack([cover for _, cover in empty]) > 0
    )
    return LabelledClip(samples=Samples.joined(samples), plate_HW3=plate, frames=count)


def label_frame(rgb_HW3: RGB, index: int, blazepose: BlazePose, movenet: MoveNet) -> Sight | None:
    """The person BlazePose finds, with MoveNet's consent, or None."""
    region = blazepose.find(rgb_HW3)
    if region is None:
        return None
    for _ in range(_REFINEMENTS):
        first, matte_HW, region = blazepose.guess(rgb_HW3, region)
    second = movenet.guess(rgb_HW3, region)
    state_K = agreement(first, second)
    if int((state_K == KNOWN).sum()) < LEAST_JOINTS:
        return None
    middle_K2 = (first.keypoints_K2 + second.keypoints_K2) / 2
    place_K2 = np.where((state_K == KNOWN)[:, None], middle_K2, first.keypoints_K2)
    sample = cut_sample(rgb_HW3, matte_HW, place_K2, state_K, index)
    return Sight(sample=sample, matte_HW=matte_HW)


def _small(rgb_HW3: RGB, matte_HW: Matte) -> tuple[RGB, Bytes]:
    """A frame at no more than 720 rows, and where the person (and their edge) covers it."""
    scale = min(1.0, _PLATE_ROWS / rgb_HW3.shape[0])
    size = (round(rgb_HW3.shape[1] * scale), round(rgb_HW3.shape[0] * scale))
    grown = cv2.dilate((matte_HW > 0.05).astype(np.uint8), np.ones((21, 21), np.uint8))
    frame = cv2.resize(rgb_HW3, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(grown, size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(frame, np.uint8), np.asarray(cover, np.uint8)


def agreement(first: Guess, second: Guess) -> States:
    """KNOWN where both teachers are sure and agree, UNKNOWN elsewhere, for each joint."""
    apart_K = np.linalg.norm(first.keypoints_K2 - second.keypoints_K2, axis=1)
    near_K = apart_K <= AGREEMENT_TORSO * float(torso_lengths(first.keypoints_K2[None])[0])
    sure_K = (first.confidence_K >= LEAST_CONFIDENCE[0]) & (
        second.confidence_K >= LEAST_CONFIDENCE[1]
    )
    return np.where(near_K & sure_K, KNOWN, UNKNOWN).astype(np.int8)


def split_held_out(
    frame_N: npt.NDArray[np.int64], frames: int, gap_frames: int = 6
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Masks of the samples to train on and of those held out.

    Held out are the frames from 25 to 35 and from 70 to 80 percent of the clip; `gap_frames` on
    either side of each block go to neither, so that no held-out frame has a trained neighbour.
    """
    held_N = np.zeros(len(frame_N), dtype=bool)
    trained_N = np.ones(len(frame_N), dtype=bool)
    for low, high in ((0.25, 0.35), (0.70, 0.80)):
        start, stop = int(low * frames), int(high * frames)
        held_N |= (frame_N >= start) & (frame_N < stop)
        trained_N &= (frame_N < start - gap_frames) | (frame_N >= stop + gap_frames)
    return trained_N, held_N


def _frames(batches: Iterable[FrameBatch]) -> Iterator[tuple[int, RGB]]:
    for batch in batches:
        for offset, rgb_HW3 in enumerate(batch.rgb_NHW3):
            yield batch.first_index + offset, rgb_HW3
