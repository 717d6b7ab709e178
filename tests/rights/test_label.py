"""A label can be read in the picture's corner, and leaves the rest alone."""

import numpy as np
import pytest

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, FRAME_FORMATS
from bodyswap.errors import UsageError
from bodyswap.rights.label import labelled


@pytest.mark.parametrize(("width", "height"), [(64, 64), (256, 256), (1920, 1080)])
def test_a_label_is_light_on_dark_in_the_corner_and_fits(width: int, height: int) -> None:
    picture = np.full((height, width, 3), 128, np.uint8)
    told = labelled(picture, "AI-generated")
    changed = np.argwhere((told != picture).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert top > 0.7 * height and bottom < height and left > 0 and right < width - 1
    assert told.max() > 200 and told.min() < 70
    assert picture.min() == 128, "the picture that was given is changed"
    np.testing.assert_array_equal(told, labelled(picture, "AI-generated"))


def test_a_label_that_cannot_be_drawn_or_would_be_lost_is_refused() -> None:
    for label in ("x" * 61, "two\nlines"):
        with pytest.raises(UsageError, match="cannot be drawn"):
            RenderSettings(label=label)
    layered = {name for name, codec in CODECS.items() if codec.has_alpha} | FRAME_FORMATS.keys()
    for name in layered:
        with pytest.raises(UsageError, match="cut out"):
            RenderSettings(label="AI-generated", codec=name)
