"""Training learns, ends on its budget, and goes on after a kill as if there had been none."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bodyswap.errors import SubjectError, UsageError
from bodyswap.nets.card import Origin
from bodyswap.nets.checkpoint import Subject
from bodyswap.skeleton import BODY_13, COCO_WHOLEBODY_133, HALPE_26, Skeleton
from bodyswap.training.config import TrainingConfig
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.loop import STATES, Progress, train_subject
from bodyswap.training.score import score_frames, score_subject
from tests.training.subject_film import STANCE, TINY, film


class _KilledError(Exception):
    pass


def _train(
    out: Path,
    config: TrainingConfig = TINY,
    footage: SubjectFootage | None = None,
    killed_at: int | None = None,
) -> tuple[Subject, list[Progress]]:
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if progress.step == killed_at:
            raise _KilledError

    origin = Origin(subject="mara", consent="synthetic")
    subject = train_subject(
        footage or film(), config, out, origin=origin, stance=STANCE, on_progress=watch
    )
    return subject, seen


def _losses(out: Path) -> list[list[str]]:
    with (out / "losses.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_a_tiny_clip_is_learnt(tmp_path: Path) -> None:
    config = replace(TINY, steps=30, learning_rate=5e-3, adversarial_from=1.0)
    subject, seen = _train(tmp_path, config)
    first, last = (sum(p.losses["pixel"] for p in part) for part in (seen[:6], seen[-6:]))
    assert last < 0.5 * first
    footage = film()
    learnt = score_subject(subject, footage)
    empty = score_frames(footage.background_HW3[None].repeat(4, 0), footage)
    assert learnt.person_psnr_db > empty.person_psnr_db + 3


@pytest.mark.parametrize(
    "skeleton", [BODY_13, HALPE_26, COCO_WHOLEBODY_133], ids=lambda one: one.name
)
def test_a_subject_of_another_skeleton_is_learnt_and_keeps_its_skeleton(
    skeleton: Skeleton, tmp_path: Path
) -> None:
    subject, seen = _train(tmp_path, replace(TINY, sample_every=2), film(skeleton=skeleton))
    assert [progress.step for progress in seen] == [1, 2, 3, 4]
    assert all(math.isfinite(loss) for progress in seen for loss in progress.losses.values())
    assert subject.card.skeleton == skeleton.name
    assert subject.generator.config.pose_channels == skeleton.channels
    assert (tmp_path / "samples/000004.png").is_file()


def test_a_killed_run_ends_as_an_undisturbed_one_bit_for_bit(tmp_path: Path) -> None:
    often = replace(TINY, export_every_s=0.0)
    whole, _ = _train(tmp_path / "whole", often)
    with pytest.raises(_KilledError):
        _train(tmp_path / "killed", often, killed_at=3)
    resumed, seen = _train(tmp_path / "killed", often)
    assert [progress.step for progress in seen] == [4]
    assert _losses(tmp_path / "killed") == _losses(tmp_path / "whole")
    for name, value in whole.generator.state_dict().items():
        assert torch.equal(value, resumed.generator.state_dict()[name]), name


def test_losses_written_after_the_last_state_are_not_counted_twice(tmp_path: Path) -> None:
    with pytest.raises(_KilledError):
        _train(tmp_path, killed_at=2)
    assert not (tmp_path / STATES).exists()
    _train(tmp_path)
    assert [row[0] for row in _losses(tmp_path)] == ["step", "1", "2", "3", "4"]


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    _train(tmp_path / "one")
    _train(tmp_path / "same")
    _train(tmp_path / "other", replace(TINY, seed=2))
    assert _losses(tmp_path / "one") == _losses(tmp_path / "same")
    assert _losses(tmp_path / "one") != _losses(tmp_path / "other")


def test_the_gan_joins_in_its_phase(tmp_path: Path) -> None:
    _, seen = _train(tmp_path)
    judged = [progress.losses["discriminator"] > 0 for progress in seen]
    assert judged == [False, False, True, True]


def test_minutes_end_a_run_too(tmp_path: Path) -> None:
    _, seen = _train(tmp_path, replace(TINY, steps=10_000, minutes=0.005))
    assert len(seen) < 500
    assert seen[-1].done == 1


def test_the_first_phase_is_of_half_size_and_samples_are_left_after_it(tmp_path: Path) -> None:
    config = replace(TINY, half_size_until=0.5, sample_every=2)
    subject, _ = _train(tmp_path, config)
    assert (subject.card.width, subject.card.height) == (64, 64)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        "000004.png",
    ]


def test_a_state_of_networks_of_another_size_is_refused_with_a_way_out(tmp_path: Path) -> None:
    _train(tmp_path)
    larger = replace(TINY, networks=replace(TINY.networks, first_channels=8))
    with pytest.raises(SubjectError, match="remove its states to start anew"):
        _train(tmp_path, larger)


def test_settings_out_of_range_and_absent_vgg_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="steps is 0"):
        replace(TINY, steps=0)
    with pytest.raises(UsageError, match="not there"):
        _train(tmp_path, replace(TINY, vgg_weights=tmp_path / "vgg.pth"))
