"""Prepares what the pose model learns from, and keeps it: labelled clips, staged views, pictures.

It does not know the network. Preparing takes longer than it should happen twice, so each piece
lies in the cache under what it was made from.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bodyswap.decode import decode
from bodyswap.errors import UsageError
from bodyswap.media.index import index_clip
from bodyswap.training.pose.backgrounds import SIDE, cut_pictures, made_pictures, stack_pictures
from bodyswap.training.pose.config import PoseTrainingConfig
from bodyswap.training.pose.labels import LabelledClip, label_clip, split_held_out
from bodyswap.training.pose.samples import Bytes, Samples
from bodyswap.training.pose.staged import (
    HELD_OUT_MOTIONS,
    stage_pictures,
    stage_samples,
    training_motions,
)
from bodyswap.training.pose.teachers import BlazePose, MoveNet

Say = Callable[[str], None]

_HELD_OUT_VIEWS = 120
_HELD_OUT_SEED = 90_001
_MADE_PICTURES = 150
_PLATE_PICTURES = 25
_STAGE_PICTURES = 60


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Real and staged samples to learn from, samples held out by name, and backgrounds."""

    real: tuple[Samples, ...]
    staged: Samples
    cast: Samples
    held_out: dict[str, Samples]
    backgrounds_N3GG: Bytes


def prepare(config: PoseTrainingConfig, say: Say) -> Prepared:
    """Everything training needs, from the cache where it lies there.

    Raises:
        UsageError: no clip was given, or one shows nobody the teachers agree on.
    """
    if not config.clips:
        raise UsageError("no clips to train on; name at least one with a person in it")
    real, held_out, plates = [], {}, []
    for path in config.clips:
        clip = _labelled(path, config, say)
        trained_N, held_N = split_held_out(clip.samples.frame_N, clip.frames)
        real.append(clip.samples.at(trained_N))
        held_out[path.stem] = clip.samples.at(held_N)
        plates.append(clip.plate_HW3)
    motions = training_motions()
    staged = _staged(config.stage_views, config.seed, motions, config.cache, say)
    cast = _staged(config.cast_views, config.seed + 1, motions, config.cache, say, cast_share=1.0)
    held_out["stage"] = _staged(
        _HELD_OUT_VIEWS, _HELD_OUT_SEED, HELD_OUT_MOTIONS, config.cache, say
    )
    return Prepared(
        real=tuple(real),
        staged=staged,
        cast=cast,
        held_out=held_out,
        backgrounds_N3GG=_backgrounds(plates, config.seed),
    )


def _labelled(path: Path, config: PoseTrainingConfig, say: Say) -> LabelledClip:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    cached, plate = (config.cache / f"clip-{digest}.{kind}" for kind in ("npz", "png"))
    clip = index_clip(path)
    if not (cached.is_file() and plate.is_file()):
        say(f"labelling {path.name}: {len(clip)} frames")
        labelled = label_clip(
            decode(clip, clip.frames), BlazePose(config.teachers), MoveNet(config.teachers)
        )
        if labelled is None:
            raise UsageError(f"the teachers agree on nobody in {path}; leave it out")
        labelled.samples.save(cached)
        cv2.imwrite(str(plate), labelled.plate_HW3[:, :, ::-1])
    picture = np.asarray(cv2.imread(str(plate)), np.uint8)
    return LabelledClip(
        samples=Samples.load(cached), plate_HW3=picture[:, :, ::-1], frames=len(clip)
    )


def _staged(
    count: int,
    seed: int,
    motions: tuple[str, ...],
    cache: Path,
    say: Say,
    *,
    cast_share: float = 0.0,
) -> Samples:
    path = cache / f"stage-{seed}-{count}-{len(motions)}-{cast_share}.npz"
    if not path.is_file():
        say(f"rendering {count} views of the stage")
        views = stage_samples(count, seed, motions, cast_share=cast_share)
        Samples.joined(list(views)).save(path)
    return Samples.load(path)


def _backgrounds(plates: list[Bytes], seed: int) -> Bytes:
    generator = np.random.default_rng(seed)
    pictures = made_pictures(_MADE_PICTURES, generator)
    for plate in plates:
        pictures.extend(cut_pictures(plate, _PLATE_PICTURES, generator))
    pictures.extend(_studios(seed))
    return stack_pictures(pictures)


def _studios(seed: int) -> Iterator[Bytes]:
    for studio in stage_pictures(_STAGE_PICTURES, seed):
        yield np.asarray(cv2.resize(studio, (SIDE, SIDE)), np.uint8)
