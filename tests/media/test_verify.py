from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.media.check import check_delivery
from bodyswap.media.concat import concat
from bodyswap.media.frame_list import list_video
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.verify import verify_delivery
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, steady, write_clip

COUNT, NTSC = 12, Fraction(30000, 1001)


@pytest.fixture
def plate(tmp_path: Path) -> ClipIndex:
    return index_clip(
        write_clip(
            tmp_path / "plate.mp4",
            pictures(COUNT),
            timeline=steady(COUNT, NTSC),
            sound="aac",
            layouts=["stereo", "5.1"],
            notes=True,
            names={"timecode": "00:00:59;26"},
        )
    )


def _deliver(plate: ClipIndex, out: Path, frames: FrameRange | None = None) -> Path:
    part = frames or plate.frames
    made = (picture for batch in decode(plate, part) for picture in batch.rgb_NHW3)
    path = out.with_name(f"part{out.suffix}")
    encode(made, path, timeline=plate.timeline, frames=part, codec=CODECS["ffv1"])
    first_pts = plate.timeline.pts[0]
    concat([path], plate.timeline.cut(part), out, first_pts=first_pts, plate=plate)
    return out


def _wrong(shot: Path, plate: ClipIndex, frames: FrameRange | None = None) -> list[str]:
    found = verify_delivery(shot, plate.path, frames)
    return [finding.name for finding in found if not finding.is_equal]


def test_a_delivery_lines_up_with_its_plate(tmp_path: Path, plate: ClipIndex) -> None:
    found = verify_delivery(_deliver(plate, tmp_path / "shot.mp4"), plate.path, None)
    assert [finding.name for finding in found] == [
        "frames", "rate", "timecode", "reel", "times and pictures",
        "audio 1", "audio 2", "subtitle 3", "data 4",
    ]  # fmt: skip
    assert all(finding.is_equal for finding in found), found


def test_a_part_lines_up_with_its_frames_and_no_others(tmp_path: Path, plate: ClipIndex) -> None:
    part = FrameRange(start=3, stop=9)
    shot = _deliver(plate, tmp_path / "shot.mp4", part)
    assert _wrong(shot, plate, part) == []
    assert _wrong(shot, plate, FrameRange(start=2, stop=8)) == ["timecode"]
    assert _wrong(shot, plate, FrameRange(start=3, stop=8)) == ["frames", "times and pictures"]


def test_what_was_lost_is_named(tmp_path: Path, plate: ClipIndex) -> None:
    bare = replace(plate, custody=replace(plate.custody, timecode=None, companions=()))
    assert _wrong(_deliver(bare, tmp_path / "shot.mp4"), plate) == ["timecode", "streams"]
    slow = index_clip(write_clip(tmp_path / "b.mp4", pictures(COUNT), timeline=steady(COUNT, 25)))
    wrong = _wrong(_deliver(slow, tmp_path / "slow.mp4"), plate)
    assert wrong == ["rate", "timecode", "times and pictures", "streams"]


def test_sound_of_another_take_is_noticed(tmp_path: Path, plate: ClipIndex) -> None:
    other = write_clip(
        tmp_path / "other.mp4", pictures(COUNT), timeline=steady(COUNT, NTSC), sound="aac",
        layouts=["mono", "5.1"], notes=True, names={"timecode": "00:00:59;26"},
    )  # fmt: skip
    assert _wrong(_deliver(index_clip(other), tmp_path / "shot.mp4"), plate) == ["audio 1"]


def test_the_list_of_a_video_proves_every_frame(tmp_path: Path, plate: ClipIndex) -> None:
    part = FrameRange(start=3, stop=9)
    shot = _deliver(plate, tmp_path / "shot.mp4", part)
    due = plate.timeline.cut(part).starting_at(plate.timeline.pts[0])
    listed = list_video(shot, check_delivery(shot, due), plate, part).frames
    assert [frame.number for frame in listed] == list(range(1004, 1010))
    assert [frame.pts for frame in listed] == list(plate.timeline.pts[3:9])
    assert listed[1].timecode == "00:01:00;02"
    shown = [picture for batch in decode(plate, part) for picture in batch.rgb_NHW3]
    assert [frame.sha256 for frame in listed] == [sha256(each).hexdigest() for each in shown]
