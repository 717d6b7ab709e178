import numpy as np
import pytest

from bodyswap.choice import PerformerChoice
from bodyswap.config import RenderSettings
from bodyswap.errors import NoPerformerError, PlateError, UsageError
from bodyswap.keypoints.performer import choose_performer
from bodyswap.keypoints.tracks import Track, link_tracks
from bodyswap.people import Detections
from bodyswap.skeleton import COCO_17
from bodyswap.stage.crossings import RATE
from tests.people_crossing import SCENES, Labels, chosen, sightings

SEEN, PERSON = sightings(SCENES["two cross"].cast, (40.0, 70.0))
TRACKS = link_tracks(SEEN, rate=RATE)


def _choose(text: str, tracks: list[Track] = TRACKS, seen: Detections = SEEN) -> Track:
    return choose_performer(tracks, seen, seen.frames, PerformerChoice.parse(text), rate=RATE)


def _who(track: Track, person_M: Labels = PERSON) -> int:
    return int(np.bincount(person_M[track.detections]).argmax())


def test_the_largest_is_the_nearest_and_the_longest_is_seen_in_most_frames() -> None:
    rows = np.flatnonzero((PERSON == 1) | (SEEN.frame_M < 30))
    seen = chosen(SEEN, rows)
    tracks = link_tracks(seen, rate=RATE)
    assert _who(_choose("largest", tracks, seen), PERSON[rows]) == 0
    assert _who(_choose("longest", tracks, seen), PERSON[rows]) == 1


def test_auto_prefers_whoever_moves_to_a_larger_bystander() -> None:
    random = np.random.default_rng(0)
    mover = np.flatnonzero(PERSON == 1)
    still = SEEN.keypoints_MK2[PERSON == 0][0]
    joints = still + random.normal(0, 1, (len(mover), 17, 2))
    keypoints = np.concatenate([SEEN.keypoints_MK2[mover], joints]).astype(np.float32)
    order = np.argsort(np.tile(SEEN.frame_M[mover], 2), kind="stable")
    keypoints = keypoints[order]
    seen = Detections(
        skeleton=COCO_17,
        frames=SEEN.frames,
        frame_M=np.tile(SEEN.frame_M[mover], 2)[order],
        keypoints_MK2=keypoints,
        confidence_MK=np.full(keypoints.shape[:2], 0.8, np.float32),
        box_M4=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
    )
    tracks = link_tracks(seen, rate=RATE)
    assert _choose("auto", tracks, seen) is not _choose("largest", tracks, seen)


def test_an_id_is_that_track_and_an_unknown_one_lists_who_there_is() -> None:
    assert [_choose(str(track.id)) for track in TRACKS] == TRACKS
    first, last = (int(SEEN.frame_M[TRACKS[1].detections[at]]) + 1001 for at in (0, -1))
    with pytest.raises(NoPerformerError, match=rf"performer 7 .* 2 \({first}-{last}\)"):
        _choose("7")


def test_a_point_is_whoever_is_there_in_that_frame() -> None:
    for track in TRACKS:
        row = track.detections[20]
        x, y = SEEN.keypoints_MK2[row, COCO_17.joint("left_hip")]
        assert _choose(f"{x:.0f},{y:.0f}@{SEEN.frame_M[row] + 1001}") is track


def test_a_point_that_hits_nobody_tells_who_is_nearest() -> None:
    row = TRACKS[1].detections[0]
    x0, _, x1, y1 = SEEN.box_M4[row]
    point = f"{(x0 + x1) / 2:.0f},{y1 + 12:.0f}@{SEEN.frame_M[row] + 1001}"
    with pytest.raises(NoPerformerError, match=r"nearest there is performer 2, \d+ px away"):
        _choose(point)


def test_a_point_in_a_frame_without_anybody_or_outside_the_shot_is_refused() -> None:
    seen = chosen(SEEN, np.flatnonzero(SEEN.frame_M != 10))
    tracks = link_tracks(seen, rate=RATE)
    with pytest.raises(NoPerformerError, match="where nobody is seen"):
        _choose("5,5@1011", tracks, seen)
    with pytest.raises(PlateError, match=r"frame 1500, which is outside 1001-"):
        _choose("5,5@1500")


@pytest.mark.parametrize("text", ["", "bigest", "-1", "3,4", "3@1001", "a,b@1001"])
def test_what_is_no_choice_is_refused_when_settings_are_made(text: str) -> None:
    with pytest.raises(UsageError, match="performer"):
        RenderSettings.from_dict({"solve": {"performer": text}})


@pytest.mark.parametrize("text", ["auto", "largest", "longest", "2", "310,120.5@1017"])
def test_a_choice_reads_as_it_was_written_and_can_be_set_by_an_override(text: str) -> None:
    settings = RenderSettings().with_overrides([f"solve.performer={text}"])
    assert settings.solve.performer == text
    assert str(PerformerChoice.parse(text)) == text


def test_frame_numbers_are_those_of_people() -> None:
    assert PerformerChoice.parse("3,4@86").number == 86
