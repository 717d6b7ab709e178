"""A finished subject's card tells what was measured, and the pictures travel with them."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import load_card, load_subject, read_beside, save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.skeleton import COCO_17
from bodyswap.training.finish import CONTRACTION_FILE, SAMPLES_FILE, finish_subject
from bodyswap.training.score import score_subject
from tests.training.subject_film import SIDE, STANCE, film

FOOTAGE = film(12)
GENERATOR = GeneratorConfig(
    pose_channels=COCO_17.channels, first_channels=4, most_channels=8,
    downsamplings=2, residual_blocks=1,
)  # fmt: skip
CARD = SubjectCard(
    origin=Origin(subject="mara", consent="synthetic"), skeleton=COCO_17.name,
    width=SIDE, height=SIDE, generator=GENERATOR, stance=STANCE, warmup_frames=999,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    weights = Generator(GENERATOR).state_dict()
    save_subject(tmp_path / "mara", CARD, weights, FOOTAGE.background_HW3, {"coverage.npz": b"x"})
    return tmp_path / "mara"


def test_the_card_tells_what_was_measured(folder: Path) -> None:
    finished = finish_subject(folder, FOOTAGE, "cpu")
    assert finished == load_card(folder)
    assert finished.contraction is not None and finished.held_out is not None
    score = score_subject(load_subject(folder, "cpu"), FOOTAGE)
    assert finished.held_out.frames == len(FOOTAGE)
    assert finished.held_out.psnr_db == pytest.approx(score.psnr_db, abs=0.01)
    assert finished.held_out.person_psnr_db == pytest.approx(score.person_psnr_db, abs=0.01)
    assert finished.held_out.ssim == pytest.approx(score.ssim, abs=1e-4)
    measured = finished.contraction.warmup_frames
    assert finished.warmup_frames == (measured or finished.contraction.measured_frames)


def test_the_pictures_are_listed_and_what_was_there_stays(folder: Path) -> None:
    finish_subject(folder, FOOTAGE, "cpu")
    for name, least_width in ((CONTRACTION_FILE, 600), (SAMPLES_FILE, 5 * SIDE)):
        data = read_beside(folder, name)
        assert data is not None
        assert Image.open(io.BytesIO(data)).width >= least_width
    assert read_beside(folder, "coverage.npz") == b"x"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*load_card(folder).files, "card.yaml"]
    )


def test_a_subject_can_be_finished_again(folder: Path) -> None:
    assert finish_subject(folder, FOOTAGE, "cpu") == finish_subject(folder, FOOTAGE, "cpu")


def test_footage_without_anybody_has_no_figure_around_them(folder: Path) -> None:
    nobody = replace(FOOTAGE, matte_NHW=np.zeros_like(FOOTAGE.matte_NHW))
    finished = finish_subject(folder, nobody, "cpu")
    assert finished.held_out is not None and finished.held_out.person_psnr_db is None
