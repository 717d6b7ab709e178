"""Trains the pose model from footage to a shipped checkpoint: prepare, train, measure, export.

It does not know the command line; `python -m bodyswap.training.pose` and the console do.
"""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bodyswap.keypoints.mmpose_door import TopDownModel, build_model, load_weights
from bodyswap.skeleton import COCO_17
from bodyswap.training.pose.augment import Augmenter
from bodyswap.training.pose.config import PoseTrainingConfig
from bodyswap.training.pose.export import PoseCard, export_pose_model
from bodyswap.training.pose.head_start import start_head
from bodyswap.training.pose.loop import PoseTrainer, Progress, Source
from bodyswap.training.pose.measure import Accuracy, measure_pck
from bodyswap.training.pose.prepare import Prepared, prepare
from bodyswap.training.pose.samples import KNOWN, Samples

Say = Callable[[str], None]
PCK_IS = (
    "share of joints within 0.2 of the torso (the longer distance from a shoulder to the opposite "
    "hip), given the person's box, on held-out frames"
)
_SAY_EVERY = 25
_GLIBC_TRIM_THRESHOLD, _GLIBC_MMAP_MAX = -1, -4


def train_pose(config: PoseTrainingConfig, say: Say) -> Path:
    """Train, resuming what an earlier run left in `config.out`; the exported weights' path.

    Raises:
        UsageError: there is nothing to train on.
        ModelError: a teacher's weights are missing.
    """
    _keep_freed_memory()
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    data = prepare(config, say)
    model = build_model(config.model, device="cpu")
    if config.start is not None:
        load_weights(model, config.start, config.model)
    trainer = _trainer(model, data, config)
    state = config.out / "state.pt"
    if state.is_file():
        trainer.resume(state)
        say(f"resumed at step {trainer.step}")
    elif config.start is None:
        _start_head(model, data, config)
        trainer.forget_average()
    while trainer.step < config.steps:
        until = min(config.steps, trainer.step + config.save_every_steps)
        trainer.run(until, lambda progress: _report(progress, config, say))
        trainer.save(state)
    model.network.load_state_dict(trainer.averaged())
    model.network.eval()
    pck = {name: measure(model, samples).pck for name, samples in data.held_out.items()}
    say(f"PCK@0.2 {', '.join(f'{name} {share:.3f}' for name, share in pck.items())}")
    return export_pose_model(trainer.averaged(), _card(config, pck), config.out)


def measure(model: TopDownModel, samples: Samples) -> Accuracy:
    """PCK of a model over samples, each through its person's box."""
    from bodyswap.keypoints.estimator import TopDownEstimator

    estimator = TopDownEstimator(model, COCO_17, tuple(range(17)), torch.device("cpu"))
    numbers = np.arange(len(samples))
    poses = estimator.estimate(samples.rgb_NSS3, numbers, samples.box_N4)
    counted_NK = samples.state_NK == KNOWN
    return measure_pck(poses.keypoints_MK2, samples.keypoints_NK2, counted_NK)


def _trainer(model: TopDownModel, data: Prepared, config: PoseTrainingConfig) -> PoseTrainer:
    real_share = (1 - config.stage_share - config.cast_share) / len(data.real)
    sources = [Source(samples=samples, share=real_share) for samples in data.real]
    sources.append(Source(samples=data.staged, share=config.stage_share))
    sources.append(Source(samples=data.cast, share=config.cast_share))
    return PoseTrainer(model, sources, data.backgrounds_N3GG, config)


def _start_head(model: TopDownModel, data: Prepared, config: PoseTrainingConfig) -> None:
    size = model.preprocessing
    nothing = torch.zeros(1, 3, size.height, size.height, dtype=torch.uint8)
    augmenter = Augmenter(nothing, config.augmentation, height=size.height, width=size.width)
    head = model.network.get_submodule("head")
    parts = [*data.real, data.staged]
    start_head(head, parts, augmenter, steps=config.head_steps, seed=config.seed)


def _report(progress: Progress, config: PoseTrainingConfig, say: Say) -> None:
    if progress.step % _SAY_EVERY == 0:
        say(
            f"step {progress.step}/{config.steps}: place {progress.place:.3f}, "
            f"presence {progress.presence:.4f}"
        )


def _card(config: PoseTrainingConfig, pck: dict[str, float]) -> PoseCard:
    return PoseCard(
        name=config.name,
        config=config.model,
        skeleton=COCO_17.name,
        licence=config.licence,
        trained_on=(
            *(f"{path.name}, labelled where BlazePose heavy and MoveNet Lightning agree"
              for path in config.clips),
            f"{config.stage_views} rendered views of random performers on the stage",
            f"{config.cast_views} views of the demo's own performers, as the demo films them",
        ),
        training={
            "head_steps": config.head_steps,
            "coarse_steps": config.coarse_steps,
            "fine_steps": config.fine_steps,
            "batch": config.batch,
            "peak_rate": config.peak_rate,
            "stage_share": config.stage_share,
            "cast_share": config.cast_share,
            "seed": config.seed,
        },
        pck={name: round(share, 3) for name, share in pck.items()},
        pck_is=PCK_IS,
        limits=(),
    )  # fmt: skip


def _keep_freed_memory() -> None:
    """glibc hands every large tensor back to the system and asks for it anew; that halves speed."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_GLIBC_MMAP_MAX, 0)
            mallopt(_GLIBC_TRIM_THRESHOLD, 2**31 - 1)
