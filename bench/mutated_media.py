"""Pictures, clips, cut lists and notices that strangers may hand in, for `mutated_inputs` to break.

It does not know how they are broken. Clips are read as `media.probe`'s process reads them.
"""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from bodyswap.media.conform import CutList
from bodyswap.media.exr import Compression, FrameLabel, Part, read_exr, write_exr
from bodyswap.media.index import index_clip
from cluster.events.notification import read_notification
from cluster.events.rules import read_sidecar
from tests.media.clips import pictures, write_clip

_NOTICE = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": "studio"},
                "object": {"key": "in/sc010.mp4", "size": 9, "eTag": "e", "sequencer": "01"},
            },
        }
    ]
}
_EDL = """TITLE: CUT
FCM: NON-DROP FRAME

001  A001     V     C        01:00:00:00 01:00:00:08 00:00:00:00 00:00:00:08
* FROM CLIP NAME: clip.mp4
"""

Reading = tuple[str, bytes, Callable[[bytes], object]]
"""A name, the whole input, and what reads it."""


def readings(folder: Path) -> Iterator[Reading]:
    """Every kind, with files in `folder`."""
    for name, encoder in (("clip.mp4", "libx264"), ("clip.mkv", "ffv1"), ("clip.mov", "mjpeg")):
        kind = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        path = write_clip(folder / name, pictures(8), encoder=encoder, pixel_format=kind)
        yield name, path.read_bytes(), _by_file(path, index_clip)
    frame = folder / "frame.exr"
    grey = np.full((24, 32), 0.5, np.float16)
    parts = [Part(name="rgba", channels=dict.fromkeys("RGBA", grey))]
    write_exr(frame, parts, FrameLabel(number=1001, rate=Fraction(24)), Compression.ZIP)
    yield "EXR", frame.read_bytes(), _by_file(frame, read_exr)
    cut = folder / "cut.edl"
    cut.write_text(_EDL)
    yield "EDL", cut.read_bytes(), _by_file(cut, lambda path: CutList.read(path, rate=Fraction(24)))
    yield "plate's sidecar", b"subject: mara\nframes: 1001-1020\nuse: stunt\n", read_sidecar
    yield "notice of an object", json.dumps(_NOTICE).encode(), read_notification


def _by_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def written(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return written
