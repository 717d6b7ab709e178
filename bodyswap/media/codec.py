"""The codecs deliveries are written in.

It does not know pictures or files.
"""

from dataclasses import dataclass

from bodyswap.media.colour import BT709, SRGB, ColourTags


@dataclass(frozen=True, kw_only=True)
class Codec:
    """An encoder, set so that segments made anywhere join. `multiple` divides width and height."""

    name: str
    encoder: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    colour: ColourTags
    is_lossless: bool = False
    multiple: int = 1
    suffix: str = ".mp4"
    """MP4 keeps any clock exactly; Matroska would round times to milliseconds."""


CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            name="h264",
            encoder="libx264",
            pixel_format="yuv420p",
            colour=BT709,
            multiple=2,
            options=(
                ("crf", "16"),
                ("preset", "fast"),
                ("profile", "high"),
                # stitchable: no header field depends on a segment's content or length.
                # No B-frames: with them, fragments would shift by the reordering delay.
                ("x264-params", "stitchable=1:open-gop=0:keyint=48:bframes=0:level=51"),
            ),
        ),
        Codec(
            name="ffv1",
            encoder="ffv1",
            pixel_format="bgr0",
            colour=SRGB,
            is_lossless=True,
            options=(("level", "3"), ("slices", "4"), ("slicecrc", "1"), ("g", "1")),
        ),
    )
}
