"""A delivery whose segments stay where they are is, packet for packet, the one joined by copy."""

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, Codec, encode
from bodyswap.errors import IntegrityError
from bodyswap.media.check import check_delivery
from bodyswap.media.concat import concat
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.segment_map import SegmentMap, map_segment
from bodyswap.media.stitch import stitched_head
from bodyswap.media.streamed import BLOCK_BYTES, StreamedFile, StreamedPath
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import pictures, pictures_for, steady, write_clip
from tests.media.ffmpeg import seen_by_ffmpeg

FIRST_PTS = 1000
ALL, PART = FrameRange(start=0, stop=14), FrameRange(start=3, stop=12)


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> ClipIndex:
    path = write_clip(
        tmp_path_factory.mktemp("plate") / "plate.mov", pictures(14), sound="aac",
        timeline=steady(14, 24, first_pts=FIRST_PTS),
        names={"timecode": "01:00:00:00", "reel_name": "A001C002"},
    )  # fmt: skip
    return index_clip(path)


def _segments(folder: Path, codec: Codec, timeline: Timeline, frames: FrameRange) -> list[Path]:
    made = []
    for start, stop in ((frames.start, 6), (6, 7), (7, frames.stop)):
        path = folder / f"segment-{start}{codec.suffix}"
        encode(
            pictures_for(codec, stop - start, first=start), path,
            timeline=timeline, frames=FrameRange(start=start, stop=stop), codec=codec,
        )  # fmt: skip
        made.append(path)
    return made


def _stitch(segments: list[Path], maps: list[SegmentMap], plate: ClipIndex, frames: FrameRange,
            out: Path) -> Path:  # fmt: skip
    head = stitched_head(
        maps, segments[0].read_bytes()[: maps[0].opening_bytes], plate.timeline.cut(frames),
        suffix=out.suffix, first_pts=FIRST_PTS, plate=plate,
    )  # fmt: skip
    out.write_bytes(head + b"".join(path.read_bytes() for path in segments))
    return out


def _packets(path: Path) -> list[tuple[object, ...]]:
    with av.open(str(path)) as container:
        found = [
            (packet.stream.index, packet.dts, packet.pts, packet.duration, packet.is_keyframe,
             bytes(packet))
            for packet in container.demux() if packet.size
        ]  # fmt: skip
        told = [(each.type, each.duration, each.frames, tuple(sorted(each.metadata.items())))
                for each in container.streams]  # fmt: skip
        return [*sorted(found), *told, container.duration, tuple(container.metadata.items())]


@pytest.mark.parametrize("frames", [ALL, PART], ids=["whole", "part"])
@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_every_packet_time_and_name_is_as_if_joined_by_copy(
    tmp_path: Path, plate: ClipIndex, codec: Codec, frames: FrameRange
) -> None:
    segments = _segments(tmp_path, codec, plate.timeline, frames)
    maps = [SegmentMap.from_bytes(map_segment(path).to_bytes()) for path in segments]
    stitched = _stitch(segments, maps, plate, frames, tmp_path / f"stitched{codec.suffix}")
    copied, timeline = tmp_path / f"copied{codec.suffix}", plate.timeline.cut(frames)
    concat(segments, timeline, copied, first_pts=FIRST_PTS, plate=plate)
    assert _packets(stitched) == _packets(copied)
    due = timeline.starting_at(FIRST_PTS)
    assert check_delivery(stitched, due) == check_delivery(copied, due)


def test_another_program_sees_every_frame_in_order(tmp_path: Path, plate: ClipIndex) -> None:
    segments = _segments(tmp_path, CODECS["ffv1"], plate.timeline, ALL)
    maps = [map_segment(path) for path in segments]
    stitched = _stitch(segments, maps, plate, ALL, tmp_path / "stitched.mp4")
    assert len(seen_by_ffmpeg(stitched)) == len(ALL)


def test_a_clip_without_sound_or_names_and_of_uneven_times(tmp_path: Path) -> None:
    timeline = Timeline(
        pts=(0, 40, 80, 200, 240, 250, 400, 440, 470), time_base=Fraction(1, 1000),
        rate=Fraction(25),
    )  # fmt: skip
    frames = FrameRange(start=0, stop=9)
    segments = _segments(tmp_path, CODECS["h264"], timeline, frames)
    maps = [map_segment(path) for path in segments]
    opening = segments[0].read_bytes()[: maps[0].opening_bytes]
    out = tmp_path / "out.mp4"
    head = stitched_head(maps, opening, timeline, suffix=".mp4")
    out.write_bytes(head + b"".join(path.read_bytes() for path in segments))
    assert check_delivery(out, timeline).frame_count == 9


def test_a_map_says_where_the_pictures_are(tmp_path: Path, plate: ClipIndex) -> None:
    path = _segments(tmp_path, CODECS["h264"], plate.timeline, ALL)[0]
    found, data = map_segment(path), path.read_bytes()
    assert found.size_bytes == len(data) and data[found.head_bytes + 4 :][:4] == b"moof"
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    places = zip(found.offsets, found.sizes, strict=True)
    assert [data[start : start + size] for start, size in places] == packets
    assert found.duration_s == Fraction(6, 24)


def test_segments_that_do_not_join_are_refused(tmp_path: Path, plate: ClipIndex) -> None:
    segments = _segments(tmp_path, CODECS["h264"], plate.timeline, ALL)
    maps = [map_segment(path) for path in segments]
    with pytest.raises(IntegrityError, match="other settings"):
        _stitch(segments, [maps[0], replace(maps[1], header_sha256="0")], plate, ALL,
                tmp_path / "out.mp4")  # fmt: skip
    with pytest.raises(IntegrityError, match="not the 14 of the timeline"):
        _stitch(segments, maps[:2], plate, ALL, tmp_path / "out.mp4")
    with pytest.raises(IntegrityError, match="map is damaged"):
        SegmentMap.from_bytes(b"{}")
    with pytest.raises(IntegrityError, match="no box"):
        (tmp_path / "noise.mp4").write_bytes(b"noise" * 40)
        map_segment(tmp_path / "noise.mp4")


def test_a_clip_of_ten_gigabytes_is_read_in_few_bytes_and_little_memory(
    tmp_path: Path, plate: ClipIndex
) -> None:
    segments = _segments(tmp_path, CODECS["prores-hq"], plate.timeline, ALL)
    maps = [map_segment(path) for path in segments]
    far = [replace(each, size_bytes=(10 << 30) // 3) for each in maps]
    opening = segments[0].read_bytes()[: maps[0].opening_bytes]
    head = stitched_head(far, opening, plate.timeline, suffix=".mov", first_pts=FIRST_PTS)
    huge = tmp_path / "huge.mov"
    with huge.open("wb") as file:
        file.write(head)
        for place, path in enumerate(segments):
            file.seek(len(head) + place * far[0].size_bytes)
            file.write(path.read_bytes())
        file.truncate(len(head) + 3 * far[0].size_bytes)
    fetched: list[int] = []

    def fetch(start: int, stop: int) -> bytes:
        fetched.append(stop - start)
        with huge.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    streamed = StreamedFile("huge.mov", huge.stat().st_size, fetch)
    clip = index_clip(StreamedPath.of("huge.mov", streamed))
    fetched.clear()
    tracemalloc.start()
    (batch,) = decode(clip, FrameRange(start=8, stop=12))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert huge.stat().st_size > 10 << 30 and huge.stat().st_blocks * 512 < 64 << 20
    assert sum(fetched) <= 4 * BLOCK_BYTES and peak_bytes < 100 << 20
    local = index_clip(segments[2])
    (expected,) = decode(local, FrameRange(start=1, stop=5))
    assert (batch.rgb_NHW3 == expected.rgb_NHW3).all()
