"""The watermark on real footage: how visible it is, what it outlives, how often it is imagined.

    python -m bench.watermark CLIP ...

Each row is one change to a marked excerpt of 24 frames; the figure is how far the bits stand out of
the noise, in
standard deviations, where the whole payload was read, and - where it was not.
"""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.rights.mark import Mark, payload_of
from bodyswap.rights.watermark import Watermark
from bodyswap.rights.watermark_reader import SCALES, detect

KEY = b"the bench's own key"
PAYLOAD = payload_of("0123456789abcdef")
EXCERPT, SKIPPED = 24, 20
UNMARKED, KEYS = 10_000, 4

Frames = list[RGB]


def main() -> None:
    clips = [Path(name) for name in sys.argv[1:]]
    columns = [_column(_read(clip, EXCERPT, SKIPPED)) for clip in clips]
    print(f"{'':<26}" + "".join(f"{clip.name[:18]:>20}" for clip in clips))
    for row in columns[0]:
        print(f"{row:<26}" + "".join(f"{column[row]:>20}" for column in columns))
    _false_positives(clips)


def _column(frames: Frames) -> dict[str, str]:
    mark = Watermark(Mark(key=KEY, payload=PAYLOAD))
    marked = [mark.mark(frame) for frame in frames]
    column = {"PSNR of the marked, dB": f"{_psnr(marked, frames):.1f}"}
    for name, change in CHANGES.items():
        found = detect(change(marked), KEY, scales=SCALES)
        right = found is not None and found.payload == PAYLOAD
        column[name] = f"{found.z:.1f}" if found is not None and right else "-"
    column["unmarked, crf 28"] = "-" if detect(_coded(frames, 28), KEY) is None else "FOUND"
    column["marked, another key"] = "-" if detect(marked, b"another") is None else "FOUND"
    return column


def _false_positives(clips: Sequence[Path]) -> None:
    imagined = tried = 0
    while tried < UNMARKED:
        for frame in (frame for clip in clips for frame in _iterate(clip)):
            small = cv2.resize(frame, (640, 360), interpolation=cv2.INTER_AREA)
            key = f"key {tried % KEYS} {tried // UNMARKED}".encode()
            imagined += detect([small], key, scales=(1.0,)) is not None
            tried += 1
            if tried == UNMARKED:
                break
    print(f"marks imagined in {tried} unmarked frames, one by one, {KEYS} keys: {imagined}")


def _coded(frames: Frames, crf: int, codec: str = "libx264") -> Frames:
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "veryfast"}
        stream = container.add_stream(codec, rate=24, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    data.seek(0)
    with av.open(data) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _scaled(frames: Frames, by: float) -> Frames:
    area = cv2.INTER_AREA
    return [_even(cv2.resize(frame, None, fx=by, fy=by, interpolation=area)) for frame in frames]


def _cropped(frames: Frames) -> Frames:
    return [_even(frame[37:-50, 91:-120]) for frame in frames]


def _graded(frames: Frames) -> Frames:
    """More contrast, a warm tint, a gamma: what a grade does."""
    ramp = np.linspace(0, 1, 256) ** 0.85
    table = np.clip(np.stack([ramp * 1.1, ramp, ramp * 0.9], -1) * 270 - 8, 0, 255)
    return [cv2.LUT(frame, table[None].astype(np.uint8)) for frame in frames]


def _grey(frames: Frames) -> Frames:
    return [
        np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8) for frame in frames
    ]


def _even(frame: RGB) -> RGB:
    return np.ascontiguousarray(frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2])


CHANGES: dict[str, Callable[[Frames], Frames]] = {
    "nothing": lambda frames: frames,
    "H.264 crf 18": lambda frames: _coded(frames, 18),
    "H.264 crf 23": lambda frames: _coded(frames, 23),
    "H.264 crf 28": lambda frames: _coded(frames, 28),
    "H.264 crf 34": lambda frames: _coded(frames, 34),
    "HEVC crf 28": lambda frames: _coded(frames, 28, "libx265"),
    "crf 23, then crf 28": lambda frames: _coded(_coded(frames, 23), 28),
    "trimmed to 1, crf 28": lambda frames: _coded(frames, 28)[11:12],
    "scaled 75 %, crf 28": lambda frames: _coded(_scaled(frames, 0.75), 28),
    "scaled 50 %, crf 23": lambda frames: _coded(_scaled(frames, 0.5), 23),
    "scaled 50 %, crf 28": lambda frames: _coded(_scaled(frames, 0.5), 28),
    "cropped, crf 28": lambda frames: _coded(_cropped(frames), 28),
    "cropped, 50 %, crf 28": lambda frames: _coded(_scaled(_cropped(frames), 0.5), 28),
    "graded, crf 28": lambda frames: _coded(_graded(frames), 28),
    "grey, crf 28": lambda frames: _coded(_grey(frames), 28),
}


def _psnr(marked: Frames, frames: Frames) -> float:
    errors = [
        np.mean((one.astype(np.float32) - other) ** 2)
        for one, other in zip(marked, frames, strict=True)
    ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def _read(clip: Path, count: int, skipped: int) -> Frames:
    frames = []
    for index, frame in enumerate(_iterate(clip)):
        if index >= skipped:
            frames.append(_even(frame))
        if len(frames) == count:
            break
    return frames


def _iterate(clip: Path) -> Iterator[RGB]:
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


if __name__ == "__main__":
    main()
