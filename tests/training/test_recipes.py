"""Recipes hold differences; each that ships can be built, and a wrong key is told."""

from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from bodyswap.training.config import TrainingConfig
from bodyswap.training.recipes import read_recipe, recipe_names


def test_no_recipe_and_the_full_one_are_the_defaults() -> None:
    assert read_recipe(None) == read_recipe("full") == TrainingConfig()


def test_the_recipes_that_ship_go_from_the_baseline_to_everything() -> None:
    assert set(recipe_names()) == {"pix2pixhd", "matte", "temporal", "contraction", "full"}
    plain, full = read_recipe("pix2pixhd"), read_recipe("full")
    assert plain.networks.memory_gain == 0 and plain.networks.temporal_strides == ()
    assert not plain.networks.matte and not plain.networks.closeups
    assert plain.play_order == (1,) and plain.twins == 0
    assert full.networks.closeups and full.twins and full.ping_pong
    assert read_recipe("temporal").networks.memory_gain > 0
    assert not read_recipe("temporal").ping_pong


def test_a_recipe_is_changed_key_by_key() -> None:
    recipe = read_recipe("matte", ["losses.pixel=7", "minutes=2.5", "vgg_weights=a/b.pth"])
    assert recipe.losses.pixel == 7 and recipe.minutes == 2.5
    assert recipe.vgg_weights == Path("a/b.pth")
    assert recipe.networks.memory_gain == 0


def test_a_recipe_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("networks:\n  enhancers: 1\n")
    assert read_recipe(str(path)).networks.enhancers == 1


@pytest.mark.parametrize(
    ("reference", "override", "told"),
    [
        (None, "losses.pixle=7", "did you mean 'training.losses.pixel'"),
        (None, "steps=many", "training.steps"),
        ("plain", "steps=1", "known: contraction, full, matte"),
        ("nowhere.yaml", "steps=1", "not there"),
    ],
)
def test_what_is_wrong_is_told(reference: str | None, override: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_recipe(reference, [override])
