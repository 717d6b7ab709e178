"""An ablation trains every recipe for as many updates, and tells what each came to."""

from pathlib import Path

import pytest

from bodyswap.errors import ConsentError
from bodyswap.quality.metrics import FrameQuality
from bodyswap.training.ablation import RECIPES, Outcome, main, table, training_of


def test_every_recipe_makes_as_many_updates_whatever_its_rollouts_are() -> None:
    for recipe in RECIPES:
        training = training_of(recipe, 96, None)
        assert training.steps * len(training.play_order) == 96, recipe
        assert training.minutes is None


def test_vgg_weights_go_to_every_recipe() -> None:
    path = Path("vgg16.pth")
    assert {training_of(recipe, 8, path).vgg_weights for recipe in RECIPES} == {path}


def test_a_row_tells_a_recipe_and_leaves_empty_what_was_not_measured() -> None:
    quality = FrameQuality(psnr_db=21.5, ssim=0.75, lpips=None)
    outcome = Outcome(recipe="full", seconds=61.2, warmup_frames=None, quality=quality)
    row = table([outcome]).splitlines()[2]
    assert row.startswith("| full | 21.50 | 0.7500 |  |") and row.endswith("| never | 61 |")


def test_nobody_is_trained_on_for_a_comparison_without_their_consent(tmp_path: Path) -> None:
    clip = tmp_path / "mara.mp4"
    clip.write_bytes(b"never looked at")
    with pytest.raises(ConsentError, match="nobody's consent to train 'nora'"):
        main([str(clip), "--subject", "nora", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
