"""A training so small that a test can wait for it: a drawn clip, its poses already in the store."""

import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from bodyswap.encode import CODECS, encode
from bodyswap.people import PoseSequence
from bodyswap.timing import FrameRange, Timeline
from bodyswap.train import TrainingRequest
from bodyswap.training.footage_cache import content_key
from bodyswap.training.settings import TrainSettings
from cluster.stores.local import LocalStore
from cluster.training.submit import submit_training
from tests.training.subject_film import TINY, film

COUNT, HELD_OUT = 12, 3
STEPS = 6
NOW_S = 1_700_000_000.0
SETTINGS = TrainSettings(
    device="cpu",
    training=replace(TINY, steps=STEPS, export_every_s=0.0, batch=1, sample_every=4),
)
"""Every step ends with a state; the discriminators join in the middle."""


def film_clip(path: Path) -> Path:
    """The orange person of the tests of training, as a video without loss."""
    pictures = film(COUNT).rgb_NHW3
    timeline = Timeline(pts=tuple(range(COUNT)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames = FrameRange(start=0, stop=COUNT)
    encode(list(pictures), path, timeline=timeline, frames=frames, codec=CODECS["ffv1"])
    return path


def request(clip: Path, *hold_out: str, settings: TrainSettings = SETTINGS) -> TrainingRequest:
    return TrainingRequest(
        footage=(str(clip),), subject="rex", consent="synthetic", height=64, settings=settings,
        hold_out=hold_out or ("1010-1012",),
    )  # fmt: skip


def submit_tiny(store: LocalStore, clip: Path, *, workers: int = 1) -> str:
    """Submit it to a store that has the poses of an earlier look at the clip."""
    sha256, poses = hashlib.sha256(clip.read_bytes()).hexdigest(), film(COUNT).poses
    for start, stop in ((0, COUNT - HELD_OUT), (COUNT - HELD_OUT, COUNT)):
        frames = FrameRange(start=start, stop=stop)
        seen = PoseSequence(
            skeleton=poses.skeleton, frames=frames,
            keypoints_NK2=poses.keypoints_NK2[start:stop],
            confidence_NK=poses.confidence_NK[start:stop],
        )  # fmt: skip
        store.put(f"poses/{content_key([(sha256, frames)], SETTINGS)}.npz", seen.to_bytes())
    return submit_training(store, request(clip), workers=workers, now_s=NOW_S)
