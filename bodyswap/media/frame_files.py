"""Frames as files of their own: PNG, TIFF, and OpenEXR with its layers apart.

It does not know which frames, or in how many pieces they are rendered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from bodyswap.config import CodecName
from bodyswap.errors import IntegrityError, PlateError
from bodyswap.frames import RGBA, LayeredFrame
from bodyswap.media.custody import HdrMetadata
from bodyswap.media.exr import (
    Compression,
    Floats,
    FrameLabel,
    Part,
    read_exr,
    read_label,
    write_exr,
)
from bodyswap.media.png_16 import png_16
from bodyswap.media.png_words import words_of
from bodyswap.media.tiff_16 import read_words, tiff_16
from bodyswap.media.working import Working


@dataclass(frozen=True, kw_only=True)
class Light:
    """What the plate's values are, and on what display it was mastered, where it is HDR."""

    working: Working
    hdr: HdrMetadata | None = None


@dataclass(frozen=True, kw_only=True)
class FrameFormat:
    """A kind of frame file. `write` makes one, `check` refuses one that is not what it should be.

    EXR parts: `rgba`, the subject premultiplied, linear; `matte`; `cleanplate`, linear; and `qc`;
    the light is that of the plate's `working` space.
    PNG: the subject cut out, straight alpha. Laid into the plate, an EXR begins with `comp`, the
    whole picture, and has the `performer`'s matte besides; a PNG is the whole picture, and says of
    HDR what it is.
    TIFF: as PNG, always of 16 bits a value, so that the matte is finer than 256 levels.
    """

    name: CodecName
    suffix: str
    write: Callable[[Path, LayeredFrame, FrameLabel, Light], None]
    check: Callable[[Path, FrameLabel], None]


def _write_exr(
    compression: Compression,
) -> Callable[[Path, LayeredFrame, FrameLabel, Light], None]:
    def write(path: Path, frame: LayeredFrame, label: FrameLabel, light: Light) -> None:
        working = light.working
        write_exr(path, layers(frame, working), label, compression, working.primaries)

    return write


def layers(frame: LayeredFrame, working: Working) -> tuple[Part, ...]:
    """The frame's EXR parts."""
    matte_HW = frame.subject.matte_HW
    # What is laid into the plate was painted over what is seen of it; all else is a picture.
    lit = working.displayed if frame.whole is None else working.painted
    light_HW3 = lit(frame.subject.rgb_HW3) * matte_HW[:, :, None]
    clean_HW3 = lit(frame.clean_plate_HW3)
    parts = [
        Part(name="rgba", channels={**_channels(light_HW3), "A": matte_HW.astype(np.float16)}),
        Part(name="matte", channels={"A": matte_HW.astype(np.float16)}),
        Part(name="cleanplate", channels=_channels(clean_HW3)),
    ]
    if frame.whole is not None:
        light = frame.whole.light_HW3
        whole = {name: light[:, :, place] for place, name in enumerate("RGB")}
        parts.insert(0, Part(name="comp", channels=whole))
    if frame.performer_HW is not None:
        gone = {"A": frame.performer_HW.astype(np.float16)}
        parts.append(Part(name="performer", channels=gone))
    if frame.facts:
        parts.append(Part(name="qc", channels=_flat(frame.facts, matte_HW.shape)))
    return tuple(parts)


def _channels(light_HW3: Floats) -> dict[str, Floats]:
    half = light_HW3.astype(np.float16)
    return {name: half[:, :, place] for place, name in enumerate("RGB")}


def _flat(facts: Mapping[str, float], shape: tuple[int, ...]) -> dict[str, Floats]:
    return {name: np.full(shape, value, np.float32) for name, value in facts.items()}


def _check_exr(path: Path, label: FrameLabel) -> None:
    try:
        told, parts = read_label(path), read_exr(path)
    except PlateError as error:
        raise IntegrityError(f"{error}; render frame {label.number} again") from error
    if told != label:
        raise IntegrityError(f"{path.name} says it is {told}, and should be {label}")
    if not all(np.isfinite(each).all() for part in parts for each in part.channels.values()):
        raise IntegrityError(f"{path.name} has values that are no numbers; render it again")


def _write_png(path: Path, frame: LayeredFrame, label: FrameLabel, light: Light) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        if frame.whole is not None and frame.whole.codes_HW3.dtype == np.uint16:
            tags = light.working.hdr_tags if light.working.is_hdr else None
            data = png_16(frame.whole.codes_HW3, words_of(label), tags, light.hdr)
            partial.write_bytes(data)
        else:
            words = PngImagePlugin.PngInfo()
            for name, value in words_of(label).items():
                words.add_text(name, value)
            shown = _cut_out(frame) if frame.whole is None else frame.whole.codes_HW3
            picture = Image.fromarray(np.asarray(shown, np.uint8))
            picture.save(partial, format="PNG", pnginfo=words, compress_level=4)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _cut_out(frame: LayeredFrame) -> RGBA:
    alpha = np.rint(frame.subject.matte_HW * 255).astype(np.uint8)
    colour = np.where(alpha[:, :, None] > 0, frame.subject.rgb_HW3, 0)
    return np.dstack([colour, alpha]).astype(np.uint8)


def _check_png(path: Path, label: FrameLabel) -> None:
    try:
        with Image.open(path) as picture:
            picture.load()
            told = dict(picture.info)
    except (OSError, SyntaxError) as error:  # what Pillow raises for a damaged PNG
        raise IntegrityError(
            f"{path.name} is damaged: {error}; render frame {label.number} again"
        ) from error
    if {name: told.get(name) for name in words_of(label)} != words_of(label):
        raise IntegrityError(f"{path.name} says it is {told}, and should be {label}")


def format_of(path: Path) -> FrameFormat:
    """The format that a delivered frame's file is of, by its suffix; how it is packed is open.

    Raises:
        PlateError: frames are not delivered as such files.
    """
    for kind in FRAME_FORMATS.values():
        if kind.suffix == path.suffix.lower():
            return kind
    known = ", ".join(sorted({kind.suffix for kind in FRAME_FORMATS.values()}))
    raise PlateError(f"{path.name} is no delivered frame; those are {known}")


def _write_tiff(path: Path, frame: LayeredFrame, label: FrameLabel, light: Light) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(tiff_16(_codes_16(frame), _line(label)))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _codes_16(frame: LayeredFrame) -> npt.NDArray[np.uint16]:
    """The whole picture, or the subject cut out with straight alpha, (H, W, C)."""
    if frame.whole is not None:
        return _in_16(frame.whole.codes_HW3)
    alpha_HW = np.rint(frame.subject.matte_HW * 65535).astype(np.uint16)
    colour_HW3 = np.where(alpha_HW[:, :, None] > 0, _in_16(frame.subject.rgb_HW3), 0)
    return np.dstack([colour_HW3, alpha_HW]).astype(np.uint16)


def _in_16(codes: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    return codes.astype(np.uint16) * np.uint16(1 if codes.dtype == np.uint16 else 257)


def _check_tiff(path: Path, label: FrameLabel) -> None:
    try:
        told = read_words(path)
    except PlateError as error:
        raise IntegrityError(f"{error}; render frame {label.number} again") from error
    if told != _line(label):
        raise IntegrityError(f"{path.name} says it is '{told}', and should be '{_line(label)}'")


def _line(label: FrameLabel) -> str:
    return " ".join(f"{name}={value}" for name, value in words_of(label).items())


FRAME_FORMATS = {
    str(kind.name): kind
    for kind in (
        FrameFormat(name=CodecName.PNG, suffix=".png", write=_write_png, check=_check_png),
        FrameFormat(name=CodecName.TIFF, suffix=".tif", write=_write_tiff, check=_check_tiff),
        FrameFormat(
            name=CodecName.EXR, suffix=".exr", write=_write_exr(Compression.ZIP), check=_check_exr
        ),
        FrameFormat(
            name=CodecName.EXR_DWAA, suffix=".exr", write=_write_exr(Compression.DWAA),
            check=_check_exr,
        ),
    )
}  # fmt: skip
