"""Colour spaces: the plate's values, what is seen of them, and the light that is delivered."""

import re

import numpy as np
import pytest

from bodyswap.config import ColourSettings
from bodyswap.errors import PlateError, UsageError
from bodyswap.media.colour import ColourTags, display_values, linear_light
from bodyswap.media.exr import Floats
from bodyswap.media.ocio_door import colour_space, config_names
from bodyswap.media.working import DISPLAYED, HLG, LINEAR, PQ, PRIMARIES, Working

RANDOM = np.random.default_rng(4)
HALF = 2.0**-11
"""Half of what two neighbouring half floats differ by, of their size."""
AP1_OF_709_RED = (0.6130974, 0.0701937, 0.0206156)
"""ACEScg of linear Rec.709 red: primaries' matrices and Bradford's adaptation, by S-2014-004."""
KINDS = {
    "plain": ColourSettings(),
    "acescg": ColourSettings(input="ACEScg"),
    "acescg to rec.709": ColourSettings(input="ACEScg", output="lin_rec709"),
    "log": ColourSettings(input="ACEScct", output="ACEScg"),
    "rendered": ColourSettings(input="ACEScg", view="aces"),
    "pq": ColourSettings(input=PQ, output="ACEScg"),
    "hlg": ColourSettings(input=HLG),
}
every_kind = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def _painting() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return RANDOM.integers(0, 256, (24, 32, 3)).astype(np.uint8)


def _seen_again(working: Working, values: Floats) -> int:
    """The largest difference, in levels, between what is painted and what is seen of `values`."""
    seen = working.seen(values).astype(int)
    return int(np.abs(seen - _PAINTED).max())


_PAINTED = _painting()


@every_kind
def test_what_is_painted_is_seen_again(settings: ColourSettings) -> None:
    """Laid into the plate, a picture looks as it was painted."""
    working = Working().chosen(settings)
    assert _seen_again(working, working.put_back(_PAINTED)) == 0


@every_kind
def test_painted_light_is_the_light_of_the_painted_values(settings: ColourSettings) -> None:
    working = Working().chosen(settings)
    light = working.light(working.put_back(_PAINTED)).astype(np.float64)
    painted = working.painted(_PAINTED).astype(np.float64)
    assert np.abs(light - painted).max() <= 1e-4 * np.abs(painted).max()


def test_light_in_its_own_space_is_left_to_the_bit() -> None:
    light = RANDOM.uniform(-1, 60000, (8, 8, 3)).astype(np.float16)
    working = Working.of_light(PRIMARIES["ACEScg"]).chosen(ColourSettings())
    assert working.output == "ACEScg"
    assert working.light(light) is light


def test_there_and_back_stays_within_half_floats() -> None:
    light = (RANDOM.uniform(0, 1, (64, 64, 3)) ** 4 * 100).astype(np.float16)
    there = Working(plate=LINEAR, output="ACEScg").light(light)
    back = Working(plate="ACEScg", output=LINEAR).light(there)
    largest = light.astype(float).max(axis=2, keepdims=True)
    assert (np.abs(back - light.astype(float)) <= HALF * largest).all()


def test_aces_light_is_of_aces_primaries() -> None:
    red = np.array([[[1, 0, 0]]], np.float32)
    acescg = Working(plate=LINEAR, output="ACEScg").light(red)
    np.testing.assert_allclose(acescg[0, 0], AP1_OF_709_RED, atol=2e-5)
    for name in ("ACEScg", "ACES2065-1", "lin_rec2020", "lin_p3d65"):
        grey = np.full((1, 1, 3), 0.18, np.float32)
        np.testing.assert_allclose(Working(plate=LINEAR, output=name).light(grey), 0.18, atol=1e-5)


def test_without_tags_or_settings_light_is_what_it_was() -> None:
    light = RANDOM.uniform(-0.5, 2, (8, 8, 3)).astype(np.float16)
    plain = Working.of_light(None)
    np.testing.assert_array_equal(plain.seen(light), display_values(light))
    np.testing.assert_array_equal(plain.painted(_PAINTED), linear_light(_PAINTED))


@pytest.mark.parametrize("name", PRIMARIES)
def test_light_is_known_by_its_chromaticities(name: str) -> None:
    told = tuple(np.asarray(PRIMARIES[name], np.float32).tolist())
    assert Working.of_light(told).plate == name


def test_chromaticities_of_no_known_space_are_refused_until_it_is_named() -> None:
    unknown = Working.of_light((0.7, 0.3, 0.2, 0.7, 0.1, 0.1, 0.3, 0.3))
    with pytest.raises(PlateError, match=r"colour\.input"):
        unknown.chosen(ColourSettings())
    assert unknown.chosen(ColourSettings(input="ACEScg")).plate == "ACEScg"


def test_hdr_is_known_by_its_tags_and_looked_at_through_the_aces_rendering() -> None:
    working = Working.of_tags(ColourTags(primaries=9, transfer=16, matrix=9))
    assert (working.plate, working.is_rendered) == (PQ, True)
    assert Working.of_tags(ColourTags()).plate == DISPLAYED
    # BT.2100's PQ: 0.5081 is 100 cd/m2, 0.5807 the 203 of BT.2408's white, 0.7518 is 1000.
    codes = np.array([[[code] * 3 for code in (0.0, 0.3800, 0.5081, 0.5807, 0.7518, 1.0)]])
    black, grey, light, white, bright, brightest = working.seen(codes)[0, :, 0].tolist()
    assert black == 0 and 100 < grey < 120 and 170 < light < 190 and 200 < white < 220
    assert white < bright <= brightest
    # 100 cd/m2 is 1 in the light that is delivered.
    delivered = working.light(codes)[0, :, 1]
    np.testing.assert_allclose(delivered[2:5], (1, 2.03, 10), rtol=2e-3)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (ColourSettings(input="ACEScgg"), "'ACEScgg' is not in .* did you mean 'ACEScg'"),
        (ColourSettings(input="linear rec709"), ".* or 'Linear Rec.709 (sRGB)'"),
        (ColourSettings(input="ARRI LogC 4"), "did you mean 'ARRI LogC4'"),
        (ColourSettings(output="ACEScct"), "'ACEScct' is no linear light .* ACEScg"),
        (ColourSettings(config="cg-config-v2.2.0", input="ACEScg"), "did you mean 'cg-config-v2"),
        (ColourSettings(config=config_names()[0], input=HLG), "is not in cg-config"),
    ],
)
def test_a_space_that_there_is_not_is_refused_with_the_nearest(
    settings: ColourSettings, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint.replace("(", r"\(").replace(")", r"\)")):
        Working().chosen(settings)


def test_a_view_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=re.escape("colour.view 'rec709' is unknown")):
        ColourSettings(view="rec709")


@pytest.mark.parametrize("config", config_names())
def test_every_built_in_config_has_the_spaces_that_are_asked_for(config: str) -> None:
    for name in (DISPLAYED, *PRIMARIES, PQ):
        assert colour_space(config, name)
    assert {colour_space(config, name).encoding for name in PRIMARIES} == {"scene-linear"}
    working = Working().chosen(ColourSettings(config=config, input="ACEScg", view="aces"))
    # ACES 1 cannot be undone where colours are saturated; ACES 2 can.
    muted = (96 + _PAINTED // 4).astype(np.uint8)
    seen = working.seen(working.put_back(muted)).astype(int)
    assert np.abs(seen - muted).max() <= 1
