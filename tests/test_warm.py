"""What a worker keeps warm is bounded: what was used last is held, and the rest let go."""

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import PoseSettings, RenderSettings
from bodyswap.engines.proof import ProvenEngine
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.passes.warm import POSE_MODELS_KEPT, SUBJECTS_KEPT, Warm
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import VEGA
from tests.motions_on_stage import stage_poses

PX = 64
POSES = stage_poses(VEGA, "walk", size=PX)
EAGER = RenderSettings(device="cpu", engine="eager")


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """More than are held."""
    root = tmp_path_factory.mktemp("subjects")
    config = GeneratorConfig(
        pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1
    )
    card = SubjectCard(
        origin=Origin(subject="tiny", consent="synthetic"), skeleton=COCO_17.name,
        width=PX, height=PX, generator=config, stance=measure_stance(POSES, width=PX, height=PX),
    )  # fmt: skip
    background = np.zeros((PX, PX, 3), np.uint8)
    save_subject(root / "0", card, Generator(config).state_dict(), background)
    others = [root / str(number) for number in range(1, SUBJECTS_KEPT + 2)]
    for folder in others:
        shutil.copytree(root / "0", folder)
    return [root / "0", *others]


def test_several_subjects_are_swapped_without_being_loaded_anew(subjects: list[Path]) -> None:
    warm = Warm()
    first = [warm.subject(folder, EAGER) for folder in subjects[:SUBJECTS_KEPT]]
    again = [warm.subject(folder, EAGER) for folder in subjects[:SUBJECTS_KEPT]]
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_of_more_subjects_the_one_least_lately_used_is_let_go(subjects: list[Path]) -> None:
    warm = Warm()
    seen = {}
    for folder in (*subjects[:SUBJECTS_KEPT], subjects[0], *subjects[SUBJECTS_KEPT:]):
        warm.renderer(folder, EAGER, POSES)
        seen[folder] = weakref.ref(warm.subject(folder, EAGER).generator)
    gc.collect()
    let_go = [folder for folder, generator in seen.items() if generator() is None]
    assert let_go == subjects[1:3]


def test_a_subjects_engines_for_shots_of_many_sizes_are_let_go_too(subjects: list[Path]) -> None:
    """Each cropped shot has a window of its own, and each window an engine."""
    warm, settings = Warm(subjects=2), replace(EAGER, crop=True, engine="openvino")
    before = _engines_alive()
    for extent in (0.2, 0.4, 0.6, 1):
        poses = replace(POSES, keypoints_NK2=POSES.keypoints_NK2 * np.float32(extent))
        warm.renderer(subjects[0], settings, poses)
    assert _engines_alive() - before == 2


def test_pose_models_are_let_go() -> None:
    warm, models = Warm(), []
    for batch_frames in range(1, POSE_MODELS_KEPT + 2):
        pose = PoseSettings(batch_frames=batch_frames, engine="eager")
        models.append(weakref.ref(warm.seers(replace(EAGER, pose=pose))[0]))
    gc.collect()
    assert [model() is None for model in models] == [True, *[False] * POSE_MODELS_KEPT]


def _engines_alive() -> int:
    gc.collect()
    return sum(type(thing) is ProvenEngine for thing in gc.get_objects())
