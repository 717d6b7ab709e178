"""What a shot's assembly in S3 moves over the wire, beside fetching, joining here and sending it.

On a real SeaweedFS of its own, every byte counted by a proxy before it; ProRes of noise, which is
as large as pictures get. python bench/s3_assembly.py [--segments 12] [--frames 16]
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cluster")]

from faulty_proxy import Wire, run_proxy  # noqa: E402
from real_servers import run_s3  # noqa: E402

from bodyswap.config import RenderSettings  # noqa: E402
from bodyswap.decode import decode  # noqa: E402
from bodyswap.encode import CODECS, encode  # noqa: E402
from bodyswap.media.concat import concat  # noqa: E402
from bodyswap.media.index import index_clip, index_to_bytes  # noqa: E402
from bodyswap.media.segment_map import map_segment  # noqa: E402
from bodyswap.media.streamed import StreamedFile, StreamedPath  # noqa: E402
from bodyswap.pipeline import Pipeline  # noqa: E402
from bodyswap.timing import FrameRange  # noqa: E402
from cluster.commit import Commit, store_file  # noqa: E402
from cluster.job import Stage  # noqa: E402
from cluster.lease import Lease  # noqa: E402
from cluster.plan import Shard  # noqa: E402
from cluster.stitching import MAP, StitchedShot, place_segment, read_opening  # noqa: E402
from cluster.store import Store, open_store  # noqa: E402
from tests.media.clips import pictures, steady, write_clip  # noqa: E402

CODEC = CODECS["prores-hq"]
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=12)
    parser.add_argument("--frames", type=int, default=16, help="In each segment.")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as served,
        run_s3(Path(served)) as url,
        run_proxy(os.environ["AWS_ENDPOINT_URL_S3"]) as wire,
    ):
        os.environ["AWS_ENDPOINT_URL_S3"] = wire.url
        _measure(Path(name), open_store(f"{url}/bench"), wire, asked.segments, asked.frames)


def _measure(folder: Path, store: Store, wire: Wire, segments: int, frames: int) -> None:
    count = segments * frames
    plate = write_clip(folder / "plate.mov", pictures(count), timeline=steady(count), sound="aac")
    clip, whole = index_clip(plate), FrameRange(start=0, stop=count)
    commits = [_render(folder, store, plate, place, frames) for place in range(segments)]
    assembly = Lease(
        job="job", shard=Shard(stage=Stage.ASSEMBLE, index=0, frames=whole), epoch=1, worker="w"
    )
    settings, pipeline = RenderSettings(codec="prores-hq"), Pipeline()
    with _counted(wire, "joined in the store"):
        placed = [place_segment(store, assembly, Path("any"), commit) for commit in commits]
        head = pipeline.head_of_shot(
            [each.map for each in placed], partial(read_opening, store, placed[0]),
            plate, whole, settings=settings,
        )  # fmt: skip
        shot = StitchedShot(store, assembly, "shot.mov")
        streamed = shot.compose(head, placed)
    with _counted(wire, "then decoded, hashed and compared"):
        pipeline.check_shot(streamed, plate, whole, folder, settings=settings)
        stored = shot.proven()
    print(f"the shot has {stored.size_bytes / MB:.1f} MB in {segments} segments")
    with _counted(wire, "fetched, joined here and sent"):
        fetched = [folder / f"{place}.mov" for place in range(segments)]
        for path, commit in zip(fetched, commits, strict=True):
            store.fetch_file(commit.file("segment").key, path)
        concat(fetched, clip.timeline, folder / "joined.mov", plate=clip)
        store.put_file("joined.mov", folder / "joined.mov")
    index = index_to_bytes(index_clip(folder / "joined.mov"))
    with _counted(wire, "100 frames of its middle, as of a plate"):
        file = StreamedFile("shot.mov", stored.size_bytes, partial(store.read_range, stored.key))
        film = index_clip(StreamedPath.of("shot.mov", file, index=index))
        middle = FrameRange(start=count // 2 - 50, stop=count // 2 + 50)
        assert sum(len(batch) for batch in decode(film, middle)) == 100
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} MiB of memory at most, the servers' own aside")


def _render(folder: Path, store: Store, plate: Path, place: int, frames: int) -> Commit:
    some = FrameRange(start=place * frames, stop=(place + 1) * frames)
    lease = Lease(
        job="job", shard=Shard(stage=Stage.RENDER, index=place, frames=some), epoch=1, worker="w"
    )
    segment = folder / "segment.mov"
    noise = np.random.default_rng(place).integers(0, 256, (1080, 1920, 3), np.uint8)
    made = [np.roll(noise, index, axis=1) for index in range(frames)]
    encode(made, segment, timeline=index_clip(plate).timeline, frames=some, codec=CODEC)
    (folder / MAP).write_bytes(map_segment(segment).to_bytes())
    files = tuple(store_file(store, lease, path) for path in (segment, folder / MAP))
    return Commit(lease=lease, files=files, frame_count=frames)


@contextmanager
def _counted(wire: Wire, what: str) -> Iterator[None]:
    wire.forget()
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    sent, received = wire.sent_bytes / MB, wire.received_bytes / MB
    print(
        f"{what}: {sent:.1f} MB sent, {received:.1f} MB received, {len(wire.requests)} requests,"
        f" {took_s:.1f} s"
    )


if __name__ == "__main__":
    main()
