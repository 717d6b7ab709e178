"""What a shot's assembly in S3 moves over the wire. Fetching and sending would be all of it, twice.

On a real SeaweedFS of its own, every byte counted by a proxy before it. Pictures are small and each
segment is filled up with a free box: what is moved depends on sizes alone.
python bench/s3_assembly.py [--segments 10] [--mib 64]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cluster")]

from faulty_proxy import Wire, run_proxy  # noqa: E402
from real_servers import run_s3  # noqa: E402

from bodyswap.config import RenderSettings  # noqa: E402
from bodyswap.encode import CODECS, encode  # noqa: E402
from bodyswap.media.boxes import box  # noqa: E402
from bodyswap.media.index import ClipIndex, index_clip  # noqa: E402
from bodyswap.media.segment_map import map_segment  # noqa: E402
from bodyswap.pipeline import Pipeline  # noqa: E402
from bodyswap.timing import FrameRange  # noqa: E402
from cluster.delivering.stitching import MAP, StitchedShot, place_segment, read_opening  # noqa: E402
from cluster.jobs.commit import Commit, store_file  # noqa: E402
from cluster.jobs.job import Stage  # noqa: E402
from cluster.jobs.lease import Lease  # noqa: E402
from cluster.jobs.plan import Shard  # noqa: E402
from cluster.stores.store import Store, open_store  # noqa: E402
from tests.media.clips import pictures, steady, write_clip  # noqa: E402

CODEC = CODECS["h264"]
FRAMES = 4
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=10)
    parser.add_argument("--mib", type=int, default=64, help="In each segment.")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory() as served,
        run_s3(Path(served)) as url,
        run_proxy(os.environ["AWS_ENDPOINT_URL_S3"]) as wire,
    ):
        os.environ["AWS_ENDPOINT_URL_S3"] = wire.url
        _measure(Path(name), open_store(f"{url}/bench"), wire, asked.segments, asked.mib)


def _measure(folder: Path, store: Store, wire: Wire, segments: int, mib: int) -> None:
    count = segments * FRAMES
    path = write_clip(folder / "plate.mp4", pictures(count), timeline=steady(count), sound="aac")
    plate = index_clip(path)
    commits = [_render(folder, store, plate, place, mib) for place in range(segments)]
    lease = Lease(
        job="job", shard=Shard(stage=Stage.ASSEMBLE, index=0, frames=plate.frames), epoch=1,
        worker="w",
    )  # fmt: skip
    settings, pipeline = RenderSettings(codec=CODEC.name), Pipeline()
    with _counted(wire, "joined in the store"):
        placed = [place_segment(store, lease, Path("any"), commit) for commit in commits]
        head = pipeline.head_of_shot(
            [each.map for each in placed], partial(read_opening, store, placed[0]),
            path, plate.frames, settings=settings,
        )  # fmt: skip
        shot = StitchedShot(store, lease, "shot.mp4")
        streamed = shot.compose(head, placed)
    with _counted(wire, "then decoded, hashed and compared"):
        pipeline.check_shot(streamed, path, plate.frames, folder, settings=settings)
        stored = shot.proven()
    print(f"the shot has {stored.size_bytes / MB:.1f} MB in {segments} segments")


def _render(folder: Path, store: Store, plate: ClipIndex, place: int, mib: int) -> Commit:
    some = FrameRange(start=place * FRAMES, stop=(place + 1) * FRAMES)
    lease = Lease(
        job="job", shard=Shard(stage=Stage.RENDER, index=place, frames=some), epoch=1, worker="w"
    )
    segment = folder / "segment.mp4"
    made = pictures(FRAMES, first=some.start)
    encode(made, segment, timeline=plate.timeline, frames=some, codec=CODEC)
    with segment.open("ab") as file:
        file.write(box(b"free", os.urandom(mib << 20)))
    (folder / MAP).write_bytes(map_segment(segment).to_bytes())
    files = tuple(store_file(store, lease, path) for path in (segment, folder / MAP))
    return Commit(lease=lease, files=files, frame_count=FRAMES)


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
