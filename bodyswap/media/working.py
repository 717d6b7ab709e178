"""How a plate's values, what is seen of them, and the light that is delivered belong together.

Networks and people look at 8-bit sRGB; what is painted there goes back by the inverse of what was
looked through, so that it meets the plate's own values at the matte's edge. Without any tag or
setting the values are display values, or linear Rec.709 in EXR, and OpenColorIO is not asked.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bodyswap.config import AUTO_COLOUR, ColourSettings
from bodyswap.errors import PlateError, UsageError
from bodyswap.frames import RGB
from bodyswap.media.colour import ColourTags, display_values, linear_light, linear_light_16
from bodyswap.media.exr import REC709, Floats, Primaries
from bodyswap.media.ocio_door import Values, check_config, colour_space, convert, render

DISPLAYED, LINEAR = "srgb_tx", "lin_rec709_srgb"
"""OpenColorIO's aliases of sRGB display values and of linear Rec.709, in every built-in config."""
PRIMARIES: dict[str, Primaries] = {
    LINEAR: REC709,
    "ACEScg": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "ACES2065-1": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "lin_rec2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_p3d65": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}
"""The spaces that EXR frames are written in, by what their header says of them."""
UNKNOWN = ""
"""Of a file whose header tells primaries that are none of these; looked at as linear Rec.709."""
PQ, PQ_P3, HLG = "Rec.2100-PQ - Display", "ST2084-P3-D65 - Display", "Rec.2100-HLG - Display"
_HDR = {(16, 9): PQ, (16, 12): PQ_P3, (18, 9): HLG}
"""By H.273's codes of transfer and primaries."""
_BT2020 = 9
_LIKE = 0.0006
"""Headers round."""


@dataclass(frozen=True, kw_only=True)
class Working:
    """Spaces are named as in `config`. `is_rendered`: seen through the config's SDR rendering."""

    config: str = field(default_factory=lambda: ColourSettings().config)
    plate: str = DISPLAYED
    output: str = LINEAR
    is_rendered: bool = False

    @classmethod
    def of_light(cls, primaries: Primaries | None) -> Self:
        """Of linear light, by what its header says; linear Rec.709 where it says nothing."""
        if primaries is None:
            return cls(plate=LINEAR)
        for name, known in PRIMARIES.items():
            if max(abs(a - b) for a, b in zip(primaries, known, strict=True)) < _LIKE:
                return cls(plate=name, output=name)
        return cls(plate=UNKNOWN)

    @classmethod
    def of_tags(cls, tags: ColourTags) -> Self:
        """Of a video: HDR is known by its tags, all else is looked at as it is."""
        space = _HDR.get((tags.transfer, tags.primaries))
        return cls() if space is None else cls(plate=space, is_rendered=True)

    def chosen(self, settings: ColourSettings) -> "Working":
        """These, where the settings do not say otherwise.

        Raises:
            UsageError: there is no such config, a space that is named is not in it, or is no light
                to deliver.
            PlateError: nothing tells what the plate's values are.
        """
        check_config(settings.config)
        plate, is_rendered = self.plate, self.is_rendered
        if settings.input != AUTO_COLOUR:
            plate = _known(settings.config, settings.input)
            is_rendered = plate in _HDR.values()
        if plate == UNKNOWN:
            raise PlateError(
                "the plate's frames tell chromaticities of no colour space known here; name it:"
                " --set colour.input=SPACE (`bodyswap colours` lists them)"
            )
        output = plate if plate in PRIMARIES else LINEAR
        if settings.output != AUTO_COLOUR:
            output = _light_named(settings.config, settings.output)
        if settings.view != AUTO_COLOUR:
            is_rendered = settings.view == "aces"
        return Working(config=settings.config, plate=plate, output=output, is_rendered=is_rendered)

    @property
    def needs_depth(self) -> bool:
        """Whether 8 bits of the plate's values would be too few to look at it."""
        return self.is_rendered or self.plate not in (DISPLAYED, LINEAR, UNKNOWN)

    @property
    def is_hdr(self) -> bool:
        return self.plate in _HDR.values()

    @property
    def hdr_tags(self) -> ColourTags:
        """How a video of the plate's values is tagged, where they are HDR."""
        transfer, primaries = next(code for code, space in _HDR.items() if space == self.plate)
        return ColourTags(primaries=primaries, transfer=transfer, matrix=_BT2020)

    @property
    def is_delivered_as_filmed(self) -> bool:
        """Whether the plate's own values are the light that is delivered."""
        return self.plate == self.output

    @property
    def primaries(self) -> Primaries:
        return PRIMARIES[self.output]

    def seen(self, values_HW3: Floats) -> RGB:
        """The plate's values, 1 being white, as 8-bit sRGB."""
        if self.plate in (LINEAR, UNKNOWN) and not self.is_rendered:
            return display_values(values_HW3)
        whole = np.nan_to_num(values_HW3.astype(np.float32))
        if self.is_rendered:
            whole = render(whole, self.config, self.plate)
        elif self.plate != DISPLAYED:
            whole = self._converted(whole, self.plate, DISPLAYED, look=True)
        return np.asarray(np.rint(np.nan_to_num(whole).clip(0, 1) * 255), np.uint8)

    def light(self, values_HW3: Floats) -> Floats:
        """The plate's values as the light that is delivered; the same where it is that already."""
        if self.is_delivered_as_filmed:
            return values_HW3
        if (self.plate, self.output) == (DISPLAYED, LINEAR):
            return linear_light_16(np.rint(values_HW3 * 65535).clip(0, 65535).astype(np.uint16))
        return self._converted(values_HW3, self.plate, self.output)

    def painted(self, rgb_HW3: RGB) -> Floats:
        """What was painted over what is seen, as the light that is delivered."""
        return self._unseen(rgb_HW3, self.output)

    def put_back(self, rgb_HW3: RGB) -> Floats:
        """What was painted over what is seen, as the plate's own kind of values."""
        return self._unseen(rgb_HW3, self.plate)

    def displayed(self, rgb_HW3: RGB) -> Floats:
        """An sRGB picture that is not of the plate, as the light that is delivered."""
        return self._from_display(rgb_HW3, self.output)

    def _unseen(self, rgb_HW3: RGB, space: str) -> Floats:
        if not self.is_rendered:
            return self._from_display(rgb_HW3, space)
        # The rendering's inverse ends in the plate's own space, where it began.
        values_HW3 = np.asarray(rgb_HW3 / 255, np.float32)
        plate_HW3 = render(values_HW3, self.config, self.plate, inverse=True)
        return plate_HW3 if space == self.plate else self._converted(plate_HW3, self.plate, space)

    def _from_display(self, rgb_HW3: RGB, space: str) -> Floats:
        if space == LINEAR:
            return linear_light(rgb_HW3)
        values_HW3 = np.asarray(rgb_HW3 / 255, np.float32)
        return values_HW3 if space == DISPLAYED else self._converted(values_HW3, DISPLAYED, space)

    def _converted(self, values_HW3: Floats, of: str, to: str, *, look: bool = False) -> Values:
        whole_HW3 = np.asarray(values_HW3, np.float32)
        return convert(whole_HW3, self.config, of, to, look=look)


def _known(config: str, name: str) -> str:
    """The space by the name that it has here."""
    space = colour_space(config, name)
    called = {space.name, *space.aliases}
    return next((own for own in (DISPLAYED, *PRIMARIES) if own in called), space.name)


def _light_named(config: str, name: str) -> str:
    found = _known(config, name)
    if found not in PRIMARIES:
        told = ", ".join(colour_space(config, each).name for each in PRIMARIES)
        raise UsageError(
            f"colour.output '{name}' is no linear light that EXR frames are written in; choose one"
            f" of {told}"
        )
    return found
