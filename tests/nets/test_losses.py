"""Each loss falls toward what it is meant to teach."""

from pathlib import Path

import pytest
import torch

from bodyswap.errors import UsageError
from bodyswap.nets.discriminators import MultiScaleDiscriminator, Verdict
from bodyswap.nets.losses import (
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
    matte_loss,
    perceptual_loss,
    weighted_l1,
)
from bodyswap.nets.vgg import VggFeatures, load_vgg


def _verdict(score: float) -> list[Verdict]:
    return [Verdict(score_B1HW=torch.full((1, 1, 2, 2), score), features=(torch.ones(1) * score,))]


def test_a_discriminator_that_knows_real_from_rendered_has_nothing_to_learn() -> None:
    assert discriminator_loss(_verdict(1.0), _verdict(0.0)).item() == 0
    assert discriminator_loss(_verdict(0.0), _verdict(1.0)).item() > 0


def test_the_generator_wants_its_frames_taken_for_real() -> None:
    assert adversarial_loss(_verdict(1.0)).item() == 0
    assert adversarial_loss(_verdict(0.2)).item() > adversarial_loss(_verdict(0.8)).item()
    assert feature_matching_loss(_verdict(0.5), _verdict(0.5)).item() == 0
    assert feature_matching_loss(_verdict(0.5), _verdict(0.1)).item() == pytest.approx(0.4)


def test_each_scale_of_the_discriminator_judges_a_coarser_picture() -> None:
    verdicts = MultiScaleDiscriminator(21, first_channels=4, scales=2)(torch.rand(1, 21, 64, 96))
    fine, coarse = (verdict.score_B1HW.shape[-2:] for verdict in verdicts)
    assert fine[0] > coarse[0]
    assert fine[1] > coarse[1]


def test_weighted_l1_counts_pixels_by_their_weight() -> None:
    rendered = torch.zeros(1, 3, 1, 2)
    real = torch.tensor([1.0, 0.0]).expand(1, 3, 1, 2)
    on_error = weighted_l1(rendered, real, torch.tensor([3.0, 1.0]).view(1, 1, 1, 2))
    off_error = weighted_l1(rendered, real, torch.tensor([1.0, 3.0]).view(1, 1, 1, 2))
    assert on_error.item() == pytest.approx(0.75)
    assert off_error.item() == pytest.approx(0.25)


def test_the_matte_is_free_where_a_shadow_falls_and_bound_elsewhere() -> None:
    background = torch.zeros(1, 3, 1, 3)
    real = background.clone()
    real[..., 1] = -0.5
    wanted = torch.tensor([1.0, 0.0, 0.0]).view(1, 1, 1, 3)
    with_shadow = torch.tensor([1.0, 0.7, 0.0]).view(1, 1, 1, 3)
    with_ghost = torch.tensor([1.0, 0.0, 0.7]).view(1, 1, 1, 3)
    assert matte_loss(with_shadow, wanted, real, background).item() == 0
    assert matte_loss(with_ghost, wanted, real, background).item() > 0


def test_perceptual_loss_is_zero_for_equals_and_reaches_the_rendered_frame() -> None:
    torch.manual_seed(1)
    vgg, real = VggFeatures(), torch.rand(1, 3, 32, 32)
    assert perceptual_loss(vgg, real, real).item() == 0
    rendered = torch.rand(1, 3, 32, 32, requires_grad=True)
    perceptual_loss(vgg, rendered, real).backward()
    assert rendered.grad is not None
    assert rendered.grad.abs().sum() > 0


def test_vgg_weights_go_by_torchvisions_names(tmp_path: Path) -> None:
    torch.manual_seed(2)
    source = VggFeatures()
    stored = {k: v for k, v in source.state_dict().items() if k.startswith("features.")}
    assert "features.14.weight" in stored
    torch.save(stored | {"classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg.pth")
    loaded = load_vgg(tmp_path / "vgg.pth")
    picture = torch.rand(1, 3, 16, 16)
    assert torch.equal(loaded(picture)[-1], source(picture)[-1])


def test_a_file_that_holds_no_vgg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there"):
        load_vgg(tmp_path / "absent.pth")
    (tmp_path / "words.pth").write_text("no weights")
    with pytest.raises(UsageError, match="VGG-16"):
        load_vgg(tmp_path / "words.pth")
    torch.save({"features.0.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match="VGG-16"):
        load_vgg(tmp_path / "other.pth")
