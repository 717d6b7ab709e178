"""Defaults, then a recipe, then options, then --set; what is unknown is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from bodyswap.training.config import TrainingConfig
from bodyswap.training.settings import TrainSettings, recipe_names


def _choose(recipe: str | None = None, *changes: str, **chosen: object) -> TrainSettings:
    return TrainSettings.choose(recipe=recipe, chosen=chosen, changes=changes)


def test_each_layer_goes_over_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("steps: 7\nbatch: 5\nseed: 3\nlosses:\n  pixel: 2.5\n")
    settings = _choose(str(path), "training.seed=9", "pose.batch_frames=4", batch=6)
    training = settings.training
    assert (training.steps, training.batch, training.seed) == (7, 6, 9)
    assert (training.losses.pixel, training.losses.matte) == (2.5, 5.0)
    assert training.minutes == 20.0 and settings.pose.batch_frames == 4


def test_no_recipe_and_the_full_one_are_the_defaults() -> None:
    assert _choose() == _choose("full")
    assert replace(_choose().training, steps=20_000, minutes=None) == TrainingConfig()


def test_the_recipes_that_ship_go_from_the_baseline_to_everything() -> None:
    assert set(recipe_names()) == {"pix2pixhd", "matte", "temporal", "contraction", "full"}
    plain, full = _choose("pix2pixhd").training, _choose("full").training
    assert plain.networks.memory_gain == 0 and plain.networks.temporal_strides == ()
    assert not plain.networks.matte and not plain.networks.closeups
    assert plain.play_order == (1,) and plain.twins == 0
    assert full.networks.closeups and full.twins and full.ping_pong
    temporal = _choose("temporal").training
    assert temporal.networks.memory_gain > 0 and not temporal.ping_pong


def test_lists_and_paths_can_be_set() -> None:
    training = _choose(
        None, "training.networks.temporal_strides=[1,3]", "training.vgg_weights=a/b.pth"
    ).training
    assert training.networks.temporal_strides == (1, 3)
    assert training.vgg_weights == Path("a/b.pth")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("trainng.steps=3", "did you mean 'training'"),
        ("training.losses.pixl=3", "did you mean 'training.losses.pixel'"),
        ("training.steps=many", "training.steps"),
        ("training.steps=0", "steps is 0"),
        ("training.steps", "has no '='"),
    ],
)
def test_what_is_unknown_or_out_of_range_is_refused(change: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        _choose(None, change)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loses:\n  pixel: 1\n", "did you mean 'training.losses'"),
        ("- 1\n", "holds a list"),
        ("a: [1\n", "cannot read"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        _choose(str(path))


def test_an_absent_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'pix2pix' is neither a file nor one of .*pix2pixhd"):
        _choose("pix2pix")
