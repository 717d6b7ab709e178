"""Open a video file, local or streamed, and only that.

It does not know what is in it. A name is never parsed as an address, playlists and scripts that
name other files are not followed, and only codecs of the list below are decoded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from bodyswap.errors import PlateError
from bodyswap.media.streamed import StreamedPath, StreamedReader

CODECS_READ = frozenset(
    {"h264", "hevc", "mpeg4", "mpeg2video", "mjpeg", "prores", "dnxhd", "ffv1", "vp8", "vp9",
     "av1", "libdav1d", "rawvideo", "qtrle", "png", "huffyuv", "ffvhuff", "utvideo", "cfhd",
     "dvvideo", "msmpeg4v3", "msmpeg4v2", "wmv2", "wmv3", "vc1", "h263", "theora"}
)  # fmt: skip
CONTAINERS_READ = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mxf,ogg,asf,nut,y4m,yuv4mpegpipe,dv"
LARGEST_PIXELS = 8192 * 8192


@contextmanager
def open_clip(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The clip's container and video stream.

    Raises:
        PlateError: it cannot be opened as a video; also for errors of the codec inside the block.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise PlateError(f"{path} {kind}; give a video file")
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS_READ}
        with av.open(source_of(path), "r", options=options, metadata_errors="replace") as container:
            yield container, _video_stream(container, path)
    except av.ArgumentError as error:
        raise PlateError(
            f"{path} is no video of a kind read here; convert it to mp4, mov or mkv"
        ) from error
    except av.FFmpegError as error:
        raise PlateError(
            f"{path} cannot be read as video: {error.strerror}; it may be damaged or cut short"
        ) from error


def source_of(path: Path) -> str | StreamedReader:
    """What PyAV opens for `path`: the file of that name, never another, or the streamed one."""
    return path.file.open() if isinstance(path, StreamedPath) else f"file:{path}"


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    films = [
        stream
        for stream in container.streams.video
        if Disposition.attached_pic not in stream.disposition
    ]
    if not films:
        raise PlateError(
            f"{path} has no moving picture, only {len(container.streams)} stream(s) of another "
            "kind; give a video file"
        )
    stream = films[0]
    context = stream.codec_context
    if context is None or context.name not in CODECS_READ:
        name = context.name if context else "unknown"
        raise PlateError(f"{path} is coded as {name}, which is not read; convert it to h264")
    if context.width * context.height > LARGEST_PIXELS:
        raise PlateError(
            f"{path} is {context.width}x{context.height}, beyond 8192x8192 pixels; scale it down"
        )
    context.options = {**context.options, "max_pixels": str(LARGEST_PIXELS)}
    stream.thread_type = "AUTO"
    return stream
