from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import opentimelineio as otio
import pytest

from bodyswap.errors import PlateError, UsageError
from bodyswap.media.conform import CutList
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.sequence import sequences_in
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, steady, write_clip

NTSC, FILM = Fraction(30000, 1001), Fraction(24000, 1001)
EDL = """TITLE: STUNTS
FCM: DROP FRAME

001  A001C002 V     C        00:00:59;20 00:01:00;06 01:00:00;00 01:00:00;14
* FROM CLIP NAME: A001C002.mov
002  A001C003 V     C        02:00:00;10 02:00:00;25 01:00:00;14 01:00:00;29
* FROM CLIP NAME: A001C003.mov
003  A001C002 V     C        00:00:59;25 00:01:00;03 01:00:00;29 01:00:01;05
* FROM CLIP NAME: A001C002.mov
004  A001C003 V     C        02:00:00;00 02:00:00;03 01:00:01;05 01:00:01;08
* FROM CLIP NAME: A001C003.mov
005  A001C002 V     C        00:01:00;02 00:01:00;08 01:00:01;08 01:00:01;14
* FROM CLIP NAME: A001C002.mov
"""
STARTS = {"A001C002": "00:00:59;16", "A001C003": "02:00:00;00"}


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> list[ClipIndex]:
    """Thirty frames of each reel."""
    folder = tmp_path_factory.mktemp("plates")
    return [
        index_clip(
            write_clip(
                folder / f"{reel}.mov",
                pictures(30),
                timeline=steady(30, NTSC),
                names={"timecode": start, "reel_name": reel},
            )
        )
        for reel, start in STARTS.items()
    ]


def _read(folder: Path, text: str = EDL) -> CutList:
    (folder / "cut.edl").write_text(text)
    return CutList.read(folder / "cut.edl", NTSC)


def _ranges(shots: tuple[object, ...], name: str) -> list[tuple[int, int]]:
    ranges: list[FrameRange] = [getattr(shot, name) for shot in shots]
    return [(each.start, each.stop) for each in ranges]


def test_five_events_are_five_shots_of_their_plates_own_frames(
    tmp_path: Path, plates: list[ClipIndex]
) -> None:
    shots = _read(tmp_path).shots(plates, handles=0)
    assert [shot.name for shot in shots] == [f"SHOT_00{n}0" for n in range(1, 6)]
    assert [shot.plate.stem for shot in shots] == [
        "A001C002", "A001C003", "A001C002", "A001C003", "A001C002",
    ]  # fmt: skip
    # 00:00:59;20 to 00:01:00;06 is fourteen frames: two of the names between are skipped.
    assert _ranges(shots, "cut") == [(4, 18), (10, 25), (9, 15), (0, 3), (14, 20)]
    assert _ranges(shots, "frames") == _ranges(shots, "cut")


def test_handles_go_as_far_as_the_plate(tmp_path: Path, plates: list[ClipIndex]) -> None:
    shots = _read(tmp_path).shots(plates, handles=6)
    assert _ranges(shots, "frames") == [(0, 24), (4, 30), (3, 21), (0, 9), (8, 26)]
    assert _ranges(shots, "cut") == [(4, 18), (10, 25), (9, 15), (0, 3), (14, 20)]


def test_a_reel_alone_finds_its_plate(tmp_path: Path, plates: list[ClipIndex]) -> None:
    without = "\n".join(line for line in EDL.splitlines() if not line.startswith("*"))
    renamed = [replace(plate, path=Path(f"/plates/{n}.mov")) for n, plate in enumerate(plates)]
    shots = _read(tmp_path, without).shots(renamed, handles=0)
    assert [shot.plate.stem for shot in shots] == ["0", "1", "0", "1", "0"]


@pytest.mark.parametrize("suffix", [".otio", ".xml", ".fcpxml"])
def test_other_kinds_of_cut_list_say_the_same(
    tmp_path: Path, plates: list[ClipIndex], suffix: str
) -> None:
    path = tmp_path / f"cut{suffix}"
    kind = {".otio": "otio_json", ".xml": "fcp_xml", ".fcpxml": "fcpx_xml"}[suffix]
    edit = _as_written(plates, Fraction(25) if suffix != ".otio" else NTSC)
    otio.adapters.write_to_file(edit, str(path), kind)
    clock = [
        replace(plate, timeline=steady(30, 25 if suffix != ".otio" else NTSC)) for plate in plates
    ]
    untimed = [replace(each, custody=replace(each.custody, timecode=None)) for each in clock]
    shots = CutList.read(path, NTSC).shots(untimed, handles=2)
    assert _ranges(shots, "cut") == [(4, 18), (10, 25)]
    assert _ranges(shots, "frames") == [(2, 20), (8, 27)]


def _as_written(plates: list[ClipIndex], rate: Fraction) -> otio.schema.Timeline:
    def times(start: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, float(rate)),
            otio.opentime.RationalTime(count, float(rate)),
        )

    track = otio.schema.Track(name="V1", kind="Video")
    for plate, start, count in zip(plates, (4, 10), (14, 15), strict=True):
        url = plate.path.as_posix()
        media = otio.schema.ExternalReference(target_url=url, available_range=times(0, 30))
        track.append(
            otio.schema.Clip(
                name=plate.path.name, media_reference=media, source_range=times(start, count)
            )
        )
    timeline = otio.schema.Timeline(name="cut")
    timeline.tracks.append(track)
    return timeline


def test_a_dissolve_takes_the_frames_it_shows(tmp_path: Path, plates: list[ClipIndex]) -> None:
    edit = _as_written(plates, NTSC)
    three, two = (otio.opentime.RationalTime(count, float(NTSC)) for count in (3, 2))
    edit.tracks[0].insert(
        1, otio.schema.Transition(transition_type="SMPTE_Dissolve", in_offset=three, out_offset=two)
    )
    otio.adapters.write_to_file(edit, str(tmp_path / "cut.otio"), "otio_json")
    untimed = [replace(each, custody=replace(each.custody, timecode=None)) for each in plates]
    shots = CutList.read(tmp_path / "cut.otio", NTSC).shots(untimed, handles=0)
    assert _ranges(shots, "cut") == [(4, 20), (7, 25)]


def test_the_edit_comes_back_with_plate_and_render(tmp_path: Path, plates: list[ClipIndex]) -> None:
    cut = _read(tmp_path)
    shots = cut.shots(plates, handles=6)
    renders = {shot.name: tmp_path / f"{shot.name}_comp_v001.mov" for shot in shots[:-1]}
    cut.write(tmp_path / "out.otio", shots, {plate.path: plate for plate in plates}, renders)
    edit = otio.adapters.read_from_file(str(tmp_path / "out.otio"))
    clips = list(edit.find_clips())
    assert len(clips) == 5
    for clip, shot in zip(clips, shots, strict=True):
        references = clip.media_references()
        assert references["plate"].target_url == shot.plate.as_posix()
        assert references["plate"].available_range.duration.value == 30
        # What the edit shows lies inside what was rendered, handles included.
        active = references[clip.active_media_reference_key].available_range
        used = clip.trimmed_range()
        assert active.start_time <= used.start_time
        assert used.end_time_exclusive() <= active.end_time_exclusive()
        assert clip.metadata["bodyswap"]["shot"] == shot.name
    first = clips[0].media_references()["render"]
    assert first.available_range.start_time.to_timecode(float(NTSC), True) == "00:00:59;16"
    assert first.available_range.duration.value == 24
    assert [clip.active_media_reference_key for clip in clips] == ["render"] * 4 + ["plate"]
    again = CutList.read(tmp_path / "out.otio", NTSC)
    clips_named = [replace(plate, path=Path(f"/p/{plate.path.name}")) for plate in plates]
    assert _ranges(again.shots(clips_named, handles=6), "cut") == _ranges(shots, "cut")


def _frames_of(folder: Path, first: int, name: str = "A001C002.{:04d}.png") -> ClipIndex:
    """Thirty frames as files, which say neither rate nor timecode."""
    for number in range(first, first + 30):
        cv2.imwrite(str(folder / name.format(number)), np.zeros((8, 8, 3), np.uint8))
    (pattern,) = sequences_in(folder)
    return index_clip(pattern)


@pytest.mark.parametrize(
    ("media", "start", "first"),
    [
        # As an edit of files has it, by their numbers; and as an edit of a clip, from 0 on.
        (otio.schema.ImageSequenceReference(name_prefix="A001C002.", start_frame=1001), 1005, 1001),
        (otio.schema.ExternalReference("A001C002.%04d.png"), 1005, 1001),
        (otio.schema.ExternalReference("frames/A001C002.1001.png"), 4, 1001),
        (otio.schema.MissingReference(name="A001C002"), 13, 9),
    ],
)
def test_frames_are_found_by_their_name_and_number(
    tmp_path: Path, media: otio.core.MediaReference, start: int, first: int
) -> None:
    plate = _frames_of(tmp_path, first)
    track = otio.schema.Track(name="V1", kind="Video")
    shown = otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(7, 24)
    )
    track.append(otio.schema.Clip(name="take", media_reference=media, source_range=shown))
    edit = otio.schema.Timeline(name="cut")
    edit.tracks.append(track)
    otio.adapters.write_to_file(edit, str(tmp_path / "cut.otio"), "otio_json")
    cut = CutList.read(tmp_path / "cut.otio", Fraction(24))
    shots = cut.shots([plate], handles=2)
    assert _ranges(shots, "cut") == [(4, 11)]
    assert _ranges(shots, "frames") == [(2, 13)]
    render = tmp_path / "SHOT_0010_comp_v001" / "SHOT_0010_comp_v001.1003-1013#.exr"
    cut.write(tmp_path / "out.otio", shots, {plate.path: plate}, {"SHOT_0010": render})
    (clip,) = otio.adapters.read_from_file(str(tmp_path / "out.otio")).find_clips()
    told = clip.media_references()
    assert told["plate"].target_url_for_image_number(0) == str(plate.files[0])
    made = told["render"].target_url_for_image_number(0)
    assert made == str(render.with_name(f"SHOT_0010_comp_v001.{first + 2:04d}.exr"))
    assert told["render"].number_of_images_in_sequence() == 11


def test_sequences_are_found_beside_one_another_and_a_folder_down(tmp_path: Path) -> None:
    _frames_of(tmp_path, 1001)
    (tmp_path / "b").mkdir()
    _frames_of(tmp_path / "b", 1, "B_{:03d}.png")
    (tmp_path / "notes.txt").write_text("x")
    found = [path.relative_to(tmp_path).as_posix() for path in sequences_in(tmp_path)]
    assert found == ["A001C002.#.png", "b/B_#.png"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("A001C003", "B009C001"), "no plate is called B009C001.mov or B009C001"),
        (("00:00:59;20 00:01:00;06", "00:00:58;20 00:00:59;04"), "is it the right plate"),
    ],
)
def test_a_clip_of_no_plate_is_refused(
    tmp_path: Path, plates: list[ClipIndex], change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(PlateError, match=complaint):
        _read(tmp_path, EDL.replace(*change)).shots(plates, handles=0)


def test_a_cut_at_another_rate_is_refused(tmp_path: Path, plates: list[ClipIndex]) -> None:
    slower = [replace(plate, timeline=steady(30, FILM)) for plate in plates]
    with pytest.raises(PlateError, match=r"cut at 29\.970 .* runs at 23\.976"):
        _read(tmp_path).shots(slower, handles=0)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("cut.txt", "", "no cut list"),
        ("cut.edl", "TITLE: EMPTY\n", "shows no clip"),
        ("cut.otio", "{", "cannot be read as a cut list"),
        ("cut.fcpxml", "<a>", "cannot be read as a cut list"),
    ],
)
def test_what_is_no_cut_list_is_refused(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=complaint):
        CutList.read(tmp_path / name, NTSC)
