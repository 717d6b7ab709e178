"""Prepares what the pose model learns from, and keeps it: labelled clips, staged views, pictures.

It does not know the network. Preparing takes longer than it should happen twice, so each piece
lies in the cache under what it was made from.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from bodyswap.decode import decode
from bodyswap.errors import UsageError
from bodyswap.media.index import index_clip
from bodyswap.stage.mocap import motion_names
from bodyswap.training.pose.backgrounds import SIDE, cut_pictures, made_pictures, stack_pictures
from bodyswap.training.pose.config import PoseTrainingConfig
from bodyswap.training.pose.labels import LabelledClip, label_clip, split_held_out
from bodyswap.training.pose.samples import Bytes, Samples
from bodyswap.training.pose.staged import (
    AS_CAPTURED,
    HELD_OUT_MOTIONS,
    Variety,
    stage_pictures,
    stage_samples,
    training_motions,
)
from bodyswap.training.pose.teachers import BlazePose, MoveNet

Say = Callable[[str], None]

_HELD_OUT_SEED = 90_001
_HELD_OUT_STAGE = {
    "stage, every motion as captured, strangers": (300, motion_names(), AS_CAPTURED),
    "stage, held-out motions loosened, strangers": (150, HELD_OUT_MOTIONS, Variety()),
    "stage, the demo's people as filmed": (150, motion_names(), Variety(cast_share=1.0)),
}
_BLOCK_VIEWS = 250
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
    say(f"rendering {config.stage_views + config.cast_views} views of the stage, or reading them")
    staged = _staged(config.stage_views, config.seed, motions, Variety(), config)
    cast = _staged(config.cast_views, config.seed + 1, motions, Variety(cast_share=1.0), config)
    for name, (count, of, variety) in _HELD_OUT_STAGE.items():
        held_out[name] = _staged(count, _HELD_OUT_SEED, of, variety, config)
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
    count: int, seed: int, motions: tuple[str, ...], variety: Variety, config: PoseTrainingConfig
) -> Samples:
    """Staged views, rendered block by block in `config.threads` processes, each kept when done."""
    described = hashlib.sha256(repr((seed, motions, variety)).encode()).hexdigest()[:12]
    blocks = []
    for first in range(0, count, _BLOCK_VIEWS):
        wanted = min(_BLOCK_VIEWS, count - first)
        path = config.cache / f"stage-{described}-{first}-{wanted}.npz"
        blocks.append(_Block(path=path, seed=seed * 1000 + first // _BLOCK_VIEWS, count=wanted))
    missing = [block for block in blocks if not block.path.is_file()]
    render = partial(_render_block, motions=motions, variety=variety)
    if missing:
        with ProcessPoolExecutor(config.threads, get_context("spawn")) as processes:
            list(processes.map(render, missing))
    return Samples.joined([Samples.load(block.path) for block in blocks])


@dataclass(frozen=True, kw_only=True)
class _Block:
    path: Path
    seed: int
    count: int


def _render_block(block: _Block, motions: tuple[str, ...], variety: Variety) -> None:
    views = stage_samples(block.count, block.seed, motions, variety)
    Samples.joined(list(views)).save(block.path)


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
