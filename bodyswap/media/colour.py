"""Colour tags: how a clip's numbers are meant, and RGB in and out of them.

It does not know files. Numbers are those of ITU-T H.273, which FFmpeg uses.
"""

from dataclasses import dataclass
from typing import Self

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from bodyswap.frames import RGB, RGBA

Codes16 = npt.NDArray[np.uint16]

_UNSPECIFIED = 2
_BT709, _BT601_625, _BT601_525, _BT2020, _RGB = 1, 5, 6, 9, 0
_HDR_TRANSFERS = (16, 18)
"""PQ and HLG."""
_SWSCALE = {
    _BT709: Colorspace.ITU709,
    _BT601_625: Colorspace.ITU601,
    _BT601_525: Colorspace.ITU601,
    _BT2020: Colorspace.BT2020,
}
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""The quick way from 10-bit 4:2:2 and 4:2:0 is up to 3 levels of 255 off on a flat red."""


@dataclass(frozen=True, kw_only=True)
class ColourTags:
    """H.273 code points, resolved: where a clip says nothing, what its size makes usual."""

    primaries: int = _BT709
    transfer: int = _BT709
    matrix: int = _BT709
    is_full_range: bool = False

    @classmethod
    def of_frame(cls, frame: av.VideoFrame) -> Self:
        """The frame's tags; without any, BT.709 from 720 lines on, BT.601 below, BT.2020 of HDR."""
        usual = _BT709 if frame.height >= 720 else _BT601_525
        if int(frame.color_trc) in _HDR_TRANSFERS:
            usual = _BT2020
        matrix = int(frame.colorspace)
        return cls(
            primaries=_known(int(frame.color_primaries), usual),
            transfer=_known(int(frame.color_trc), usual),
            matrix=matrix if matrix in _SWSCALE or matrix == _RGB else usual,
            is_full_range=int(frame.color_range) == int(ColorRange.JPEG)
            or frame.format.name.startswith("yuvj"),
        )

    @property
    def _space(self) -> Colorspace:
        return _SWSCALE.get(self.matrix, Colorspace.ITU709)

    @property
    def _range(self) -> ColorRange:
        return ColorRange.JPEG if self.is_full_range else ColorRange.MPEG

    def to_rgb(self, frame: av.VideoFrame) -> RGB:
        """The frame as 8-bit RGB, (H, W, 3), full range."""
        if not frame.format.is_rgb:
            frame = frame.reformat(
                format="rgb24",
                src_colorspace=self._space,
                dst_colorspace=self._space,
                src_color_range=self._range,
                dst_color_range=ColorRange.JPEG,
                interpolation=_EXACT if frame.format.components[0].bits > 8 else None,
            )
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))

    def codes_16(self, frame: av.VideoFrame) -> Codes16:
        """The frame's display values in 16 bits, (H, W, 3), full range."""
        if not frame.format.is_rgb:
            frame = frame.reformat(
                format="rgb48le",
                src_colorspace=self._space,
                dst_colorspace=self._space,
                src_color_range=self._range,
                dst_color_range=ColorRange.JPEG,
                interpolation=_EXACT,
            )
        return np.asarray(frame.to_ndarray(format="rgb48le"), np.uint16)

    def from_rgb(self, picture_HWC: RGB | RGBA | Codes16, pixel_format: str) -> av.VideoFrame:
        """The picture, in 8 or 16 bits, as a frame of `pixel_format` that carries these tags."""
        kind = "rgba" if picture_HWC.shape[2] == 4 else "rgb24"
        if picture_HWC.dtype == np.uint16:
            kind = "rgb48le"
        frame = av.VideoFrame.from_ndarray(picture_HWC, format=kind)
        frame = frame.reformat(
            format=pixel_format,
            src_colorspace=self._space,
            dst_colorspace=self._space,
            src_color_range=ColorRange.JPEG,
            dst_color_range=self._range,
            interpolation=_EXACT if picture_HWC.dtype == np.uint16 else None,
        )
        frame.colorspace = self.matrix
        frame.color_range = int(self._range)
        frame.color_primaries = self.primaries
        frame.color_trc = self.transfer
        return frame


def linear_light(rgb_HW3: RGB) -> npt.NDArray[np.float32]:
    """8-bit display values as scene-linear light, 1 being white, by IEC 61966-2-1 (sRGB)."""
    return _LINEAR[rgb_HW3]


def linear_light_16(codes_HW3: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """The same of 16-bit display values, 65535 being white."""
    codes = codes_HW3.astype(np.float64) / 65535
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    return np.asarray(light, np.float32)


def display_values(linear_HW3: npt.NDArray[np.floating]) -> RGB:
    """The inverse: what is below black or above white is cut off."""
    light = np.nan_to_num(linear_HW3.astype(np.float32)).clip(0, 1)
    bent = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(bent * 255), np.uint8)


_CODES = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)

BT709 = ColourTags()
SRGB = ColourTags(primaries=_BT709, transfer=13, matrix=_RGB, is_full_range=True)


def _known(code: int, usual: int) -> int:
    return usual if code in (0, _UNSPECIFIED) else code
