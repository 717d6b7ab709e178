"""HDR in what is delivered of an HDR plate: its tags and light levels are kept, or it is refused.

It does not know what was laid into the plate.
"""

from dataclasses import replace
from fractions import Fraction

from bodyswap.config import CodecName
from bodyswap.errors import UsageError
from bodyswap.media.codec import Codec
from bodyswap.media.custody import HdrMetadata
from bodyswap.media.index import ClipIndex

_PARAMETERS = {"libx265": "x265-params", "libx264": "x264-params"}
"""Encoders that write mastering display and light levels into the stream, and by which option."""
_MOST_LIGHT = {"libx265": "max-cll", "libx264": "cll"}
_CHROMATICITY, _LUMINANCE = 50_000, 10_000
"""The units of SMPTE ST 2086, as SEI messages have them."""
_FINER = 6
"""Of constant quality: HDR packs more of what is seen into each level, so an error shows more."""
_LIGHT_FILES = (CodecName.EXR, CodecName.EXR_DWAA)


def codec_for_plate(codec: Codec, plate: ClipIndex) -> Codec:
    """The codec, set for the plate's own pixels: those of an HDR plate under its tags.

    Raises:
        UsageError: the plate is HDR, and the codec cannot hold that.
    """
    if not plate.working.is_hdr:
        return codec
    hdr = plate.custody.hdr
    if codec.bits < 10 or codec.has_alpha:
        what = "holds the subject cut out" if codec.has_alpha else f"has {codec.bits} bits a value"
        raise UsageError(_refusal(plate, f"{codec.name} {what}"))
    if hdr is not None and codec.encoder not in _PARAMETERS:
        lost = f"{codec.name} does not carry its mastering display and light levels"
        raise UsageError(_refusal(plate, lost))
    options = dict(codec.options)
    if "crf" in options:
        options["crf"] = str(int(options["crf"]) - _FINER)
    if hdr is not None:
        name = _PARAMETERS[codec.encoder]
        options[name] = f"{options[name]}:{_levels(hdr, codec.encoder)}"
    return replace(codec, colour=plate.working.hdr_tags, options=tuple(options.items()))


def check_files_for_plate(name: str, plate: ClipIndex) -> None:
    """Refuse frame files that do not say of an HDR plate's pixels that they are that.

    Raises:
        UsageError: the plate is HDR, and the files are not of light, nor tell what else they are.
    """
    # Of an EXR plate, floats are looked at in 8 bits, which are no HDR.
    tells = (*_LIGHT_FILES, CodecName.PNG) if plate.codec != "exr" else _LIGHT_FILES
    if plate.working.is_hdr and name not in tells:
        raise UsageError(_refusal(plate, f"{name} does not tell how its values are meant"))


def _levels(hdr: HdrMetadata, encoder: str) -> str:
    points = {"G": hdr.green, "B": hdr.blue, "R": hdr.red, "WP": hdr.white}
    display = "".join(f"{name}({_units(x)},{_units(y)})" for name, (x, y) in points.items())
    most, least = (
        _units(each, _LUMINANCE) for each in (hdr.largest_luminance, hdr.least_luminance)
    )
    separator = "master-display" if encoder == "libx265" else "mastering-display"
    told = [f"{separator}={display}L({most},{least})"]
    if hdr.most_light or hdr.most_average_light:
        told.append(f"{_MOST_LIGHT[encoder]}={hdr.most_light},{hdr.most_average_light}")
    return ":".join(told)


def _units(value: Fraction, unit: int = _CHROMATICITY) -> int:
    return round(value * unit)


def _refusal(plate: ClipIndex, reason: str) -> str:
    kind = plate.working.plate.removesuffix(" - Display")
    return (
        f"{plate.path.name} is HDR ({kind}), and {reason};"
        " choose hevc-10 or png, which keep it, or exr, which has its light"
    )
