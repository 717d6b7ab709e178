"""A growing preview of a shot: the committed segments themselves, read back as a player would."""

import re
from pathlib import Path

import pytest
from specs import make_spec
from test_stitching import ASSEMBLY

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, encode
from bodyswap.errors import JobError, UsageError
from bodyswap.media.check import check_delivery
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.segment_map import map_segment
from bodyswap.timing import FrameRange
from cluster.delivering.preview import PreviewReader, keep_preview, playlist
from cluster.delivering.stitching import MAP
from cluster.jobs.commit import Commit, put_commit, store_file
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.keys import JobKeys, preview_playlist
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Plan, Shard
from cluster.stores.opening import open_store
from cluster.stores.record import to_json, to_yaml
from cluster.stores.store import Store
from tests.media.clips import pictures, steady, write_clip

RANGES = tuple(FrameRange(start=at, stop=at + 4) for at in (0, 4, 8))
ALL = FrameRange(start=0, stop=12)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def plate(tmp_path: Path) -> ClipIndex:
    return index_clip(write_clip(tmp_path / "plate.mp4", pictures(12), timeline=steady(12)))


def _submitted(store: Store, settings: RenderSettings | None = None) -> JobSpec:
    spec = make_spec(frames=ALL, settings=settings)
    store.put(JobKeys(job=spec.job).spec, to_yaml(spec))
    plan = Plan(job=spec.job, frames=ALL, pose=(ALL,), render=RANGES, content_hash="x")
    store.put(JobKeys(job=spec.job).plan, to_json(plan))
    return spec


def _commit(store: Store, spec: JobSpec, plate: ClipIndex, index: int, folder: Path) -> Shard:
    frames = RANGES[index]
    shard = Shard(stage=Stage.RENDER, index=index, frames=frames)
    lease = Lease(job=spec.job, shard=shard, epoch=1, worker="w")
    segment = folder / str(index) / "segment.mp4"
    segment.parent.mkdir()
    made = pictures(12)[frames.start : frames.stop]
    encode(made, segment, timeline=plate.timeline, frames=frames, codec=CODECS["h264"])
    (segment.parent / MAP).write_bytes(map_segment(segment).to_bytes())
    files = tuple(store_file(store, lease, segment.parent / name) for name in ("segment.mp4", MAP))
    put_commit(store, Commit(lease=lease, files=files, frame_count=4))
    keep_preview(store, spec, shard)
    return shard


def _played(store: Store, job: str, out: Path) -> Path:
    """What a player puts together of the playlist in the store."""
    text = (store.get(preview_playlist(job)) or b"").decode()
    (head,) = re.findall(r'EXT-X-MAP:URI="(?:\.\./)*([^"]+)",BYTERANGE="(\d+)@0"', text)
    parts = re.findall(r"BYTERANGE:(\d+)@(\d+)\n(?:\.\./)*(\S+)", text)
    data = store.read_range(head[0], 0, int(head[1]))
    for size, start, key in parts:
        data += store.read_range(key, int(start), int(start) + int(size))
    out.write_bytes(data)
    return out


def test_the_playlist_grows_without_gaps_and_ends_with_the_shot(
    store: Store, plate: ClipIndex, tmp_path: Path
) -> None:
    spec = _submitted(store)
    _commit(store, spec, plate, 2, tmp_path)
    assert store.get(preview_playlist(spec.job)) is None, "a shard after a gap shows nothing"
    _commit(store, spec, plate, 0, tmp_path)
    first = _played(store, spec.job, tmp_path / "one.mp4")
    assert check_delivery(first, plate.timeline.cut(RANGES[0])).frame_count == 4
    assert b"ENDLIST" not in (store.get(preview_playlist(spec.job)) or b"")
    _commit(store, spec, plate, 1, tmp_path)
    whole = _played(store, spec.job, tmp_path / "all.mp4")
    assert check_delivery(whole, plate.timeline).frame_count == 12
    text = (store.get(preview_playlist(spec.job)) or b"").decode()
    assert text.endswith("#EXT-X-ENDLIST\n") and "PLAYLIST-TYPE:EVENT" in text
    durations = [float(each) for each in re.findall(r"#EXTINF:([\d.]+)", text)]
    assert durations == pytest.approx([4 / 24] * 3, abs=1e-6)
    assert int(re.findall(r"TARGETDURATION:(\d+)", text)[0]) >= max(durations)


def test_what_is_already_there_never_changes_as_the_playlist_grows(
    store: Store, plate: ClipIndex, tmp_path: Path
) -> None:
    spec, reader = _submitted(store), None
    texts = []
    for index in range(3):
        _commit(store, spec, plate, index, tmp_path)
        reader = reader or PreviewReader(store, spec.job)
        texts.append(playlist(reader.read(), lambda place, _: f"segment/{place}"))
    assert texts[2].startswith(texts[1]) and texts[1].startswith(texts[0])
    assert texts[2].count("segment/") == 4


def test_a_page_reads_any_range_of_a_segment(
    store: Store, plate: ClipIndex, tmp_path: Path
) -> None:
    spec = _submitted(store)
    _commit(store, spec, plate, 0, tmp_path)
    (segment,) = PreviewReader(store, spec.job).read().segments
    whole = store.read_range(segment.key, 0, segment.stop)
    assert len(whole) == segment.stop
    assert store.read_range(segment.key, 5, 50) == whole[5:50]
    rest = store.read_range(segment.key, segment.head_bytes, segment.stop)
    assert rest == whole[segment.head_bytes :]


def test_a_codec_that_no_browser_plays_is_refused(store: Store) -> None:
    spec = _submitted(store, RenderSettings(codec="prores-hq"))
    with pytest.raises(UsageError, match="prores-hq, which plays in no browser"):
        PreviewReader(store, spec.job).read()
    keep_preview(store, spec, ASSEMBLY.shard)
    assert store.get(preview_playlist(spec.job)) is None
    with pytest.raises(JobError, match="is no job"):
        PreviewReader(store, "nothing").read()
