"""The codecs that deliveries are joined in, one row each.

It does not know pictures or files. Frames of a sequence are no codec: see `frame_files`.
"""

from dataclasses import dataclass

from bodyswap.config import CodecName
from bodyswap.media.colour import BT709, SRGB, ColourTags


@dataclass(frozen=True, kw_only=True)
class Codec:
    """An encoder, set so that segments made anywhere join. `multiple` divides width and height;
    `least` is the smallest width and height; `tag` is the container's name of the codec, where it
    has a choice."""

    name: CodecName
    encoder: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    colour: ColourTags = BT709
    is_lossless: bool = False
    has_alpha: bool = False
    multiple: int = 1
    least: tuple[int, int] = (16, 16)
    tag: str = ""
    suffix: str = ".mp4"
    """MP4 and QuickTime keep any clock exactly; Matroska would round times to milliseconds."""

    @property
    def bits(self) -> int:
        """Of each value."""
        return 10 if "10" in self.pixel_format else 8


# stitchable: no header field depends on a segment's content or length.
# No B-frames: with them, fragments would shift by the reordering delay.
_X264 = "stitchable=1:open-gop=0:keyint=48:bframes=0:level=51"
# One frame at a time: x265's choices depend on how many it has in hand. No note of its version.
_X265 = "open-gop=0:keyint=48:bframes=0:frame-threads=1:info=0:repeat-headers=0:log-level=error"


def _h264(name: CodecName, pixel_format: str, profile: str) -> Codec:
    options = (("crf", "16"), ("preset", "fast"), ("profile", profile), ("x264-params", _X264))
    return Codec(
        name=name, encoder="libx264", pixel_format=pixel_format, options=options, multiple=2
    )


def _hevc(name: CodecName, pixel_format: str) -> Codec:
    options = (("crf", "18"), ("preset", "fast"), ("x265-params", _X265))
    # hvc1: QuickTime and browsers do not play the other way of storing headers.
    return Codec(
        name=name, encoder="libx265", pixel_format=pixel_format, options=options, multiple=2,
        least=(32, 32), tag="hvc1",
    )  # fmt: skip


def _prores(name: CodecName, pixel_format: str, *, profile: str, has_alpha: bool = False) -> Codec:
    options = (("profile", profile), ("vendor", "apl0"), ("alpha_bits", "16" if has_alpha else "0"))
    return Codec(
        name=name, encoder="prores_ks", pixel_format=pixel_format, options=options, multiple=2,
        has_alpha=has_alpha, suffix=".mov",
    )  # fmt: skip


def _dnxhr(name: CodecName, pixel_format: str, *, profile: str) -> Codec:
    return Codec(
        name=name, encoder="dnxhd", pixel_format=pixel_format, options=(("profile", profile),),
        multiple=2, least=(256, 120), suffix=".mov",
    )  # fmt: skip


def _ffv1(name: CodecName, pixel_format: str, *, has_alpha: bool = False) -> Codec:
    options = (("level", "3"), ("slices", "4"), ("slicecrc", "1"), ("g", "1"))
    return Codec(
        name=name, encoder="ffv1", pixel_format=pixel_format, options=options, colour=SRGB,
        is_lossless=True, has_alpha=has_alpha,
    )  # fmt: skip


CODECS = {
    str(codec.name): codec
    for codec in (
        _h264(CodecName.H264, "yuv420p", "high"),
        _h264(CodecName.H264_10, "yuv420p10le", "high10"),
        _hevc(CodecName.HEVC, "yuv420p"),
        _hevc(CodecName.HEVC_10, "yuv420p10le"),
        _prores(CodecName.PRORES_HQ, "yuv422p10le", profile="hq"),
        _prores(CodecName.PRORES_4444, "yuva444p10le", profile="4444", has_alpha=True),
        _dnxhr(CodecName.DNXHR_HQ, "yuv422p", profile="dnxhr_hq"),
        _dnxhr(CodecName.DNXHR_HQX, "yuv422p10le", profile="dnxhr_hqx"),
        _ffv1(CodecName.FFV1, "bgr0"),
        _ffv1(CodecName.FFV1_ALPHA, "bgra", has_alpha=True),
    )
}
