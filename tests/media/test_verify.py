import sys
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import LayeredFrame, RenderedFrame
from bodyswap.media.check import check_delivery
from bodyswap.media.concat import concat
from bodyswap.media.frame_files import FRAME_FORMATS
from bodyswap.media.frame_list import list_video, write_frames
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.sound import write_sound
from bodyswap.media.verify import verify_delivery
from bodyswap.timing import FrameRange
from cluster.cli.app import main
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


def _frames(plate: ClipIndex, folder: Path, kind: str, part: FrameRange) -> Path:
    """The plate's own frames as a delivery of files, with its sound."""
    shown = (picture for batch in decode(plate, part) for picture in batch.rgb_NHW3)
    whole = np.ones((plate.height, plate.width), np.float32)
    layered = (
        LayeredFrame(
            subject=RenderedFrame(rgb_HW3=picture, matte_HW=whole, index=index),
            clean_plate_HW3=picture,
        )
        for index, picture in zip(part, shown, strict=True)
    )
    folder.mkdir()
    listed = write_frames(layered, folder, plate=plate, frames=part, kind=FRAME_FORMATS[kind])
    listed.write(folder / "shot.json")
    write_sound(plate, part, folder, "shot")
    return folder / "shot.json"


@pytest.mark.parametrize("kind", ["exr", "png"])
def test_frames_as_files_line_up_each_for_itself_and_with_their_sound(
    tmp_path: Path, plate: ClipIndex, kind: str
) -> None:
    part = FrameRange(start=3, stop=9)
    shot = _frames(plate, tmp_path / "out", kind, part)
    found = verify_delivery(shot, plate.path, part)
    assert [finding.name for finding in found][-2:] == [
        "sound of shot.wav", "sound of shot.sound-2.wav",
    ]  # fmt: skip
    assert all(finding.is_equal for finding in found), found
    # Frames of files say which they are: another part of the plate is wrong in every frame.
    assert "times and pictures" in _wrong(shot, plate, FrameRange(start=4, stop=10))
    (tmp_path / "out" / "shot.wav").write_bytes(b"RIFF")
    assert _wrong(shot, plate, part) == ["sound of shot.wav"]
    (tmp_path / "out" / "shot.wav").unlink()
    assert _wrong(shot, plate, part) == ["sound of shot.wav"]
    (first,) = (tmp_path / "out").glob(f"shot.1006.{kind}")
    first.write_bytes(first.read_bytes()[:-40])
    assert "times and pictures" in _wrong(shot, plate, part)


def test_the_verb_tells_what_differs_and_ends_by_it(
    tmp_path: Path,
    plate: ClipIndex,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    part = FrameRange(start=3, stop=9)
    shot = _deliver(plate, tmp_path / "shot.mp4", part)

    def verified(*words: str) -> tuple[int, str]:
        told = ["bodyswap", "verify", str(shot), *words]
        monkeypatch.setattr(sys, "argv", told)
        with pytest.raises(SystemExit) as ending:
            main()
        return int(ending.value.code or 0), "".join(capsys.readouterr())

    code, words = verified("--plate", str(plate.path), "--frames", "1004-1009")
    assert not code
    assert words.count("same") == 5
    code, words = verified("--plate", str(plate.path), "--frames", "1003-1008")
    assert code == 7
    assert "WRONG: the plate has 00:00:59;28" in words
    assert "does not line up with" in words
    code, words = verified("--frames", "1003-1008")
    assert (code, "name it by --plate" in words) == (2, True)
