"""The jobs of a history, drawn from its seed, and their bytes as people put them into the store."""

import random
from dataclasses import replace
from functools import cache, lru_cache

from bodyswap.config import Mode, RenderSettings
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import time_part
from cluster.jobs.refs import PlateRef, SubjectFile, SubjectRef
from cluster.jobs.snapshot import ProjectShare
from cluster.stores.record import file_hash, from_json, to_json, to_yaml

EPOCH_S = 1.8e9
"""When histories begin."""
_FRAMES_A_SHARD = 24
_WARMUP_FRAMES = 6
_SUBJECT, _WEIGHTS = "vega", "generator.safetensors"


def draw_jobs(dice: random.Random) -> list[JobSpec]:
    """One to three jobs, cut as somebody asked."""
    return [
        _spec(
            plate,
            dice.choice((1, 2, 3, 4)),
            dice.choice(list(Mode)),
            dice.choice(("ours", "theirs")),
            dice.choice((10, 50, 90)),
        )
        for plate in range(dice.choice((1, 1, 2, 3)))
    ]


def draw_more(dice: random.Random, specs: list[JobSpec]) -> list[JobSpec]:
    """Jobs that the farm cuts as it likes, and some that are like another but for a setting."""
    varied = [_long(dice, spec) if dice.random() < 0.6 else spec for spec in specs]
    if dice.random() < 0.5:
        first = varied[0]
        varied.append(replace(first, settings=first.settings | {"join_tolerance": 9.0}))
    return varied


def _long(dice: random.Random, spec: JobSpec) -> JobSpec:
    frames = FrameRange(start=0, stop=_FRAMES_A_SHARD * dice.choice((4, 6, 8)))
    settings = spec.settings | {"warmup_frames": _WARMUP_FRAMES}
    plate = replace(spec.plate, frame_count=frames.stop)
    return replace(spec, plate=plate, frames=frames, settings=settings, shards=None)


@cache
def _model() -> SubjectFile:
    """The weights that the packaged consent names, since the doors are the real ones."""
    path = packaged_subjects()[_SUBJECT] / _WEIGHTS
    return SubjectFile(name=_WEIGHTS, sha256=file_hash(path))


@cache
def shares() -> bytes:
    """The parts of the farm that the two projects have, where they have not the same."""
    shares = {"ours": ProjectShare(weight=2.0), "theirs": ProjectShare(most_workers=2)}
    return to_yaml(shares)


def written(spec: JobSpec) -> bytes:
    """The job as it is submitted."""
    return _as_yaml(to_json(spec))


@lru_cache(maxsize=4096)
def _as_yaml(spec: bytes) -> bytes:
    # The same few jobs are drawn again and again, and YAML is slow.
    return to_yaml(from_json(spec, JobSpec, what="a drawn job"))


@cache
def _spec(plate: int, shards: int, mode: Mode, project: str, priority: int) -> JobSpec:
    frames = FrameRange(start=0, stop=shards * _FRAMES_A_SHARD)
    card = SubjectFile(name="card.yaml", sha256=f"{plate % 2:064x}")
    return JobSpec(
        plate=PlateRef(sha256=f"{plate:064x}", name="plate.mov", frame_count=frames.stop),
        subject=SubjectRef(name=_SUBJECT, files=(card, _model())),
        frames=frames,
        settings=RenderSettings(mode=mode).to_dict(),
        software="simulated",
        shards=shards,
        project=project,
        priority=priority,
        submitted_at=time_part(EPOCH_S),
        submitted_by="kim",
    )
