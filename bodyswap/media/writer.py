"""Write pictures with exact times to a file that appears when it is whole.

It does not know which frames they are.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from bodyswap.errors import UsageError
from bodyswap.frames import RGB, RGBA
from bodyswap.media.codec import Codec
from bodyswap.media.colour import Codes16
from bodyswap.timing import Timeline

FRAGMENTED = "frag_keyframe+empty_moov+default_base_moof+frag_discont"
"""Fragments carry their own times, so a segment may begin anywhere on the shot's clock."""


class Writer:
    """An open segment."""

    def __init__(self, container: OutputContainer, timeline: Timeline, codec: Codec) -> None:
        self._container, self._timeline, self._codec = container, timeline, codec
        self._stream: VideoStream | None = None
        self.header_sha256 = ""

    def write(self, picture_HWC: RGB | RGBA | Codes16, pts: int) -> None:
        """Code one picture, shown at `pts` ticks of the timeline; with alpha where it is coded."""
        stream = self._stream or self._begin(picture_HWC)
        frame = self._codec.colour.from_rgb(picture_HWC, self._codec.pixel_format)
        frame.pts, frame.time_base = pts, self._timeline.time_base
        self._container.mux(stream.encode(frame))

    def finish(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode())
            self.header_sha256 = header_hash(self._stream)

    def _begin(self, picture_HWC: RGB | RGBA | Codes16) -> VideoStream:
        height, width, channels = picture_HWC.shape
        check_size(width, height, self._codec)
        assert channels == (4 if self._codec.has_alpha else 3)
        stream = self._container.add_stream(
            self._codec.encoder, rate=self._timeline.rate, options=dict(self._codec.options)
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = self._codec.pixel_format
        context = stream.codec_context
        if self._codec.tag:
            context.codec_tag = self._codec.tag
        context.time_base = stream.time_base = self._timeline.time_base
        colour = self._codec.colour
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        context.colorspace, context.color_range = colour.matrix, 2 if colour.is_full_range else 1
        self._stream = stream
        return stream


def check_size(width: int, height: int, codec: Codec) -> None:
    """Refuse a picture size that the codec cannot hold.

    Raises:
        UsageError: it is odd, or too small.
    """
    multiple, (least_width, least_height) = codec.multiple, codec.least
    if width % multiple or height % multiple:
        raise UsageError(
            f"a {width}x{height} picture cannot be coded as {codec.name}, whose sides "
            f"are multiples of {multiple}; choose ffv1"
        )
    if width < least_width or height < least_height:
        raise UsageError(
            f"a {width}x{height} picture is too small for {codec.name}, which begins at "
            f"{least_width}x{least_height}; choose prores-hq or ffv1"
        )


@contextmanager
def open_writer(path: Path, timeline: Timeline, codec: Codec) -> Iterator[Writer]:
    """A writer to `path`; nothing is left under that name, or any, if the block raises."""
    with open_output(path, timeline, movflags=FRAGMENTED) as container:
        writer = Writer(container, timeline, codec)
        yield writer
        writer.finish()


@contextmanager
def open_output(path: Path, timeline: Timeline, *, movflags: str) -> Iterator[OutputContainer]:
    """An MP4 or QuickTime file, by its suffix, that keeps `timeline`'s clock; renamed to `path`
    when it is closed."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        kind = path.suffix.removeprefix(".")
        options = clock_options(timeline, movflags=movflags)
        with av.open(str(partial), "w", format=kind, options=options) as container:
            yield container
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def clock_options(timeline: Timeline, *, movflags: str) -> dict[str, str]:
    """How a muxer of MP4 or QuickTime is told to keep `timeline`'s clock."""
    ticks = str(timeline.time_base.denominator)
    return {
        "video_track_timescale": ticks,
        # A first frame later than 0 is an edit on the movie's clock, by default in milliseconds.
        "movie_timescale": ticks,
        "avoid_negative_ts": "disabled",
        # No library version or date in the file: the same frames give the same bytes.
        "fflags": "+bitexact",
        "movflags": movflags,
    }


def header_hash(stream: VideoStream) -> str:
    """SHA-256 of what a decoder must know before the first packet."""
    context = stream.codec_context
    facts = " ".join(
        map(str, (context.name, context.codec_tag, context.width, context.height, context.pix_fmt))
    ).encode()
    return hashlib.sha256(facts + bytes(context.extradata or b"")).hexdigest()
