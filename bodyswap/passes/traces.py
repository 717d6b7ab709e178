"""What is left in a shot's pictures, and kept of them: the mark, the label, and prints.

Whatever a codec or a format does with a picture, it comes through here first, and only here: the
temporal state and the pictures at joins are without a trace. Each picture is treated by itself, so
that the cutting into shards shows nowhere. It does not know files.

Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Callable
from dataclasses import replace

from bodyswap.composite import composite
from bodyswap.frames import RGB, RenderedFrame
from bodyswap.rights.label import labelled
from bodyswap.rights.mark import Mark
from bodyswap.rights.prints import print_of
from bodyswap.rights.watermark import PEOPLE, PICTURE, Bearing, Watermark

PRINT_EVERY = 24
"""Frames whose number is a multiple of this are key frames: a print of them is kept."""


class Traces:
    """Leaves a mark and a label, where they are wanted, and keeps prints of the key frames."""

    def __init__(self, mark: Mark | None = None, label: str = "") -> None:
        self._watermark = None if mark is None else Watermark(mark)
        self._label = label
        self._prints: dict[int, str] = {}

    @property
    def prints(self) -> tuple[str, ...]:
        """The prints kept so far, in the order of their frames."""
        return tuple(self._prints[index] for index in sorted(self._prints))

    def on(self, picture_HW3: RGB, index: int) -> RGB:
        """A whole picture as it is delivered; `index` is the plate's frame."""
        return self._marked(self._labelled(picture_HW3, index), PICTURE)

    def on_people(self, picture_HW3: RGB, index: int) -> RGB:
        """A whole picture of which only the people will be taken: they hold more of the mark."""
        return self._marked(self._labelled(picture_HW3, index), PEOPLE)

    def on_layers(self, frame: RenderedFrame, background_HW3: RGB) -> RenderedFrame:
        """A subject who is delivered apart from the background: their colour holds the mark.

        The matte and the background stay as they are, for whoever puts them together.
        """
        self._keep(frame.index, lambda: composite(frame, background_HW3))
        marked_HW3 = self._marked(frame.rgb_HW3, PEOPLE)
        return replace(frame, rgb_HW3=marked_HW3, over_own_HW3=None)

    def _labelled(self, picture_HW3: RGB, index: int) -> RGB:
        self._keep(index, lambda: picture_HW3)
        return labelled(picture_HW3, self._label) if self._label else picture_HW3

    def _marked(self, picture_HW3: RGB, bearing: Bearing) -> RGB:
        return (
            picture_HW3 if self._watermark is None else self._watermark.mark(picture_HW3, bearing)
        )

    def _keep(self, index: int, picture: Callable[[], RGB]) -> None:
        if index % PRINT_EVERY == 0:
            self._prints[index] = print_of(picture())
