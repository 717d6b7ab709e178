"""A subject's folder comes back as it was saved, or says what is wrong with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bodyswap.errors import SubjectError
from bodyswap.nets.card import Origin, SubjectCard, TrainingRecord
from bodyswap.nets.checkpoint import load_card, load_subject, put_beside, read_beside, save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.stance import StanceStatistics

CARD = SubjectCard(
    origin=Origin(subject="mara", consent="synthetic", footage_sha256=("ab12",)),
    skeleton="coco-17",
    width=64,
    height=32,
    generator=GeneratorConfig(
        pose_channels=18, first_channels=4, most_channels=8, downsamplings=2, residual_blocks=1
    ),
    stance=StanceStatistics(
        width=64, height=32, far_ground_y=25, near_ground_y=28, far_height=18, near_height=20
    ),
    warmup_frames=5,
    training=TrainingRecord(steps=7, seconds=1.5, frames=3, settings={"losses": {"pixel": 2.0}}),
)
BACKGROUND = np.random.default_rng(0).integers(0, 255, (32, 64, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_subject(tmp_path / "mara", CARD, Generator(CARD.generator).state_dict(), BACKGROUND)
    return tmp_path / "mara"


def test_a_subject_comes_back_as_it_was_saved(folder: Path) -> None:
    subject = load_subject(folder, "cpu")
    assert replace(subject.card, files={}) == CARD
    assert np.array_equal(subject.background_HW3, BACKGROUND)
    torch.manual_seed(0)
    original = Generator(CARD.generator)
    pose, previous = torch.rand(1, 18, 32, 64), torch.zeros(1, 3, 32, 64)
    again = subject.generator(pose, previous).rgb_B3HW
    assert torch.allclose(again, original(pose, previous).rgb_B3HW, atol=0.02)
    assert not again.requires_grad


def test_saving_again_replaces_the_folder_and_leaves_nothing_else(folder: Path) -> None:
    newer = replace(CARD, warmup_frames=9)
    save_subject(folder, newer, Generator(CARD.generator).state_dict(), BACKGROUND)
    assert load_subject(folder, "cpu").card.warmup_frames == 9
    assert [path.name for path in folder.parent.iterdir()] == ["mara"]


@pytest.mark.parametrize("name", ["generator.safetensors", "background.png"])
def test_a_damaged_file_is_refused_by_name(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(SubjectError, match=rf"{name}.*damaged"):
        load_subject(folder, "cpu")


@pytest.mark.parametrize("name", ["generator.safetensors", "background.png", "card.yaml"])
def test_a_missing_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SubjectError, match=name):
        load_subject(folder, "cpu")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("warmup_frames:", "warm_up_frames:", "did you mean 'warmup_frames'"),
        ("first_channels:", "frist_channels:", "did you mean 'generator.first_channels'"),
        ("width: 64\nheight", "width: wide\nheight", "Expected `int`"),
        ("skeleton: coco-17", "skeleton: coco-18", "coco-18"),
        ("pose_channels: 18", "pose_channels: 17", "17 channels"),
        ("format: 2", "format: 1", "format is 1.*train anew"),
        ("far_height: 18", "far_height: -1", "contradict"),
    ],
)
def test_a_card_that_cannot_be_meant_is_refused(
    folder: Path, old: str, new: str, message: str
) -> None:
    text = (folder / "card.yaml").read_text()
    assert old in text
    (folder / "card.yaml").write_text(text.replace(old, new))
    with pytest.raises(SubjectError, match=message):
        load_card(folder)


@pytest.mark.parametrize("text", ["", "just words", "a: [1", "origin: 3"])
def test_text_that_is_no_card_is_refused(folder: Path, text: str) -> None:
    (folder / "card.yaml").write_text(text)
    with pytest.raises(SubjectError, match=r"card\.yaml"):
        load_card(folder)


def test_a_file_that_travels_with_a_subject_is_in_the_card_and_proven(folder: Path) -> None:
    assert read_beside(folder, "coverage.npz") is None
    put_beside(folder, "coverage.npz", b"poses")
    assert read_beside(folder, "coverage.npz") == b"poses"
    assert set(load_card(folder).files) == {
        "generator.safetensors", "background.png", "coverage.npz",
    }  # fmt: skip
    load_subject(folder, "cpu")
    (folder / "coverage.npz").write_bytes(b"posed")
    with pytest.raises(SubjectError, match=r"coverage\.npz.*damaged"):
        read_beside(folder, "coverage.npz")


def test_saving_with_files_beside_lists_them_too(folder: Path) -> None:
    weights = Generator(CARD.generator).state_dict()
    save_subject(folder, CARD, weights, BACKGROUND, {"coverage.npz": b"poses"})
    assert read_beside(folder, "coverage.npz") == b"poses"
