"""A shot is joined inside the store: what is refused, and what goes over the wire."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from faulty_proxy import run_proxy

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, encode
from bodyswap.errors import IntegrityError
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.segment_map import map_segment
from bodyswap.pipeline import Pipeline
from bodyswap.timing import FrameRange
from cluster.delivering.stitching import (
    MAP,
    PlacedSegment,
    StitchedShot,
    is_mapped,
    open_segment,
    place_segment,
    read_opening,
)
from cluster.jobs.commit import Commit, store_file
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.stores.opening import open_store
from cluster.stores.record import file_hash
from cluster.stores.store import Store
from tests.media.clips import pictures, steady, write_clip

ASSEMBLY = Lease(
    job="job", shard=Shard(stage=Stage.ASSEMBLE, index=0, frames=FrameRange(start=0, stop=12)),
    epoch=1, worker="w",
)  # fmt: skip
SETTINGS = RenderSettings(codec="ffv1")


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A plate of twelve frames with sound, and three render shards of it in a store."""

    store: Store
    plate: ClipIndex
    commits: tuple[Commit, ...]
    folder: Path

    def placed(self) -> list[PlacedSegment]:
        return [place_segment(self.store, ASSEMBLY, Path("any"), each) for each in self.commits]

    def stitched(self, placed: list[PlacedSegment]) -> tuple[StitchedShot, Path]:
        shot = StitchedShot(self.store, ASSEMBLY, "shot.mp4")
        head = Pipeline().head_of_shot(
            [each.map for each in placed], partial(read_opening, self.store, placed[0]),
            self.plate.path, self.plate.frames, settings=SETTINGS,
        )  # fmt: skip
        return shot, shot.compose(head, placed)

    def check(self, path: Path) -> bytes:
        return Pipeline().check_shot(
            path, self.plate.path, self.plate.frames, self.folder, settings=SETTINGS
        )


def _render(store: Store, folder: Path, made: list[RGB]) -> Rendered:
    path = write_clip(folder / "plate.mp4", pictures(12), timeline=steady(12), sound="aac")
    plate, commits = index_clip(path), []
    for index, start in enumerate((0, 4, 8)):
        frames = FrameRange(start=start, stop=start + 4)
        lease = replace(ASSEMBLY, shard=Shard(stage=Stage.RENDER, index=index, frames=frames))
        segment = folder / str(index) / "segment.mp4"
        segment.parent.mkdir()
        codec = CODECS["ffv1"]
        encode(
            made[start : start + 4], segment, timeline=plate.timeline, frames=frames, codec=codec
        )
        (segment.parent / MAP).write_bytes(map_segment(segment).to_bytes())
        files = tuple(store_file(store, lease, segment.parent / n) for n in ("segment.mp4", MAP))
        commits.append(Commit(lease=lease, files=files, frame_count=4))
    return Rendered(store=store, plate=plate, commits=tuple(commits), folder=folder)


@pytest.fixture
def rendered(tmp_path: Path) -> Rendered:
    return _render(open_store(str(tmp_path / "store")), tmp_path, pictures(12))


def test_the_shot_decodes_and_its_hash_is_told_after_one_reading(
    rendered: Rendered, tmp_path: Path
) -> None:
    shot, path = rendered.stitched(rendered.placed())
    index = rendered.check(path)
    file = shot.proven()
    known, anew = index_clip(shot.known_as(index)), index_clip(path)
    assert (known.timeline, known.colour) == (anew.timeline, anew.colour)
    rendered.store.fetch_file(file.key, tmp_path / "out.mp4")
    assert file.sha256 == file_hash(tmp_path / "out.mp4")
    assert file.size_bytes == (tmp_path / "out.mp4").stat().st_size
    assert f"{file.size_bytes} read to check, of {file.size_bytes}" in shot.sentence()
    assert (tmp_path / "frames.json").is_file()


def test_a_segment_that_is_not_the_committed_one_is_refused_though_it_decodes(
    rendered: Rendered, tmp_path: Path
) -> None:
    file = rendered.commits[1].file("segment")
    data = bytearray(rendered.store.get(file.key) or b"")
    data[-5] ^= 1
    rendered.store.put(file.key, bytes(data))
    shot, path = rendered.stitched(rendered.placed())
    with pytest.raises(IntegrityError, match=r"render/00001.*damaged in the store"):
        rendered.check(path)
        shot.proven()


def test_a_damaged_picture_is_found_by_decoding(rendered: Rendered) -> None:
    file = rendered.commits[1].file("segment")
    data = bytearray(rendered.store.get(file.key) or b"")
    data[len(data) // 2] ^= 0x55
    rendered.store.put(file.key, bytes(data))
    placed = rendered.placed()
    placed[1] = replace(placed[1], file=replace(file, sha256=sha256(data).hexdigest()))
    _, path = rendered.stitched(placed)
    with pytest.raises(IntegrityError, match="frame"):
        rendered.check(path)


def test_a_damaged_map_is_refused(rendered: Rendered) -> None:
    file = rendered.commits[0].file(MAP)
    rendered.store.put(file.key, (rendered.store.get(file.key) or b"").replace(b"1", b"2", 1))
    with pytest.raises(IntegrityError, match="damaged in the store"):
        rendered.placed()


def test_a_mended_segment_is_put_beside_those_that_stay(rendered: Rendered) -> None:
    first, second, third = rendered.placed()
    again = rendered.folder / "mended-4" / "segment.mp4"
    again.parent.mkdir()
    encode(
        pictures(12)[4:8], again, timeline=rendered.plate.timeline,
        frames=FrameRange(start=4, stop=8), codec=CODECS["ffv1"],
    )  # fmt: skip
    new = place_segment(rendered.store, ASSEMBLY, again, None)
    assert new.file.key != second.file.key and "mended-4" in new.file.key
    shot, path = rendered.stitched([first, new, third])
    rendered.check(path)
    shot.proven()


def test_a_segment_is_read_where_it_lies_for_mending(rendered: Rendered) -> None:
    opened = open_segment(rendered.store, rendered.commits[2], Path("in/segment.mp4"))
    assert index_clip(opened).timeline.pts == rendered.plate.timeline.pts[8:]


def test_a_shard_without_a_map_is_not_joined_in_the_store(rendered: Rendered) -> None:
    first = rendered.commits[0]
    assert is_mapped(first) and not is_mapped(replace(first, files=first.files[:1]))


@pytest.fixture
def noisy(s3_server: str, tmp_path: Path) -> Iterator[Rendered]:
    """Segments of more than the least part, in S3."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 960, 1280, 3), np.uint8)
    store = open_store(f"{s3_server}/{uuid.uuid4().hex}/store")
    yield _render(store, tmp_path, list(noise))


def test_joining_in_s3_moves_few_of_the_bytes(
    noisy: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_proxy(os.environ["AWS_ENDPOINT_URL_S3"]) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        watched = replace(noisy, store=open_store(noisy.store.url))
        shot, path = watched.stitched(watched.placed())
        joined_bytes, requests = wire.sent_bytes + wire.received_bytes, len(wire.requests)
        wire.forget()
        watched.check(path)
        file = shot.proven()
    smallest = min(each.file("segment").size_bytes for each in noisy.commits)
    assert smallest > 3 * (5 << 20)
    # One part of the least size is packed: it is read and sent. Nothing else but head and index.
    assert joined_bytes < 2 * (5 << 20) + 4 * (1 << 20) + 100_000
    assert requests < 20
    assert wire.sent_bytes == 0 and wire.received_bytes == file.size_bytes
