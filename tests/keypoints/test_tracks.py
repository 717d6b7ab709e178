import numpy as np
import pytest

from bodyswap.keypoints.tracks import Track, link_tracks, summarise
from bodyswap.people import Detections
from bodyswap.stage.crossings import RATE
from bodyswap.timing import FrameRange
from tests.people_crossing import SCENES, Labels, chosen, sightings


def _people_in(tracks: list[Track], person_M: Labels) -> list[set[int]]:
    return [set(person_M[track.detections].tolist()) for track in tracks]


@pytest.mark.parametrize("looks", [(40.0, 70.0), (50.0, 50.0), None])
def test_two_who_cross_stay_themselves_whatever_they_wear(
    looks: tuple[float, float] | None,
) -> None:
    seen, person = sightings(SCENES["two cross"].cast, looks)
    hidden = seen.frames.stop - np.bincount(person)
    assert hidden.max() >= 4
    tracks = link_tracks(seen, rate=RATE)
    assert sorted(_people_in(tracks, person), key=min) == [{0}, {1}]
    assert sum(len(track.detections) for track in tracks) == len(person)


@pytest.mark.parametrize("looks", [(40.0, 70.0), (50.0, 50.0)])
def test_one_who_leaves_and_comes_back_keeps_their_id(looks: tuple[float, float]) -> None:
    seen, person = sightings(SCENES["one leaves, comes back"].cast, looks)
    away = np.diff(seen.frame_M[person == 0]).max()
    assert away > RATE / 2
    assert sorted(_people_in(link_tracks(seen, rate=RATE), person), key=min) == [{0}, {1}]


def test_a_stranger_who_comes_where_somebody_left_is_another_person() -> None:
    seen, person = sightings(SCENES["one leaves, comes back"].cast, (40.0, 70.0))
    assert seen.appearance_MD is not None
    gap = int(np.argmax(np.diff(seen.frame_M[person == 0])))
    later = np.flatnonzero(person == 0)[gap + 1 :]
    seen.appearance_MD[later] += 40
    person[later] = 2
    assert sorted(_people_in(link_tracks(seen, rate=RATE), person), key=min) == [{0}, {1}, {2}]


def test_three_alike_who_hide_each_other_are_three_people() -> None:
    cast = SCENES["three cross, one hidden long"].cast
    seen, person = sightings(cast, (50.0, 50.0, 50.0))
    longest = max(np.diff(seen.frame_M[person == one]).max() for one in range(3))
    assert longest > RATE / 2
    assert sorted(_people_in(link_tracks(seen, rate=RATE), person), key=min) == [{0}, {1}, {2}]


def test_two_sightings_of_one_body_are_one_person() -> None:
    seen, person = sightings(SCENES["two cross"].cast, None)
    doubled = np.sort(np.concatenate([np.arange(len(person)), np.flatnonzero(person == 0)]))
    doubles = chosen(seen, doubled)
    doubles.keypoints_MK2[1:][np.diff(doubled) == 0] += 1.5
    doubles.confidence_MK[1:][np.diff(doubled) == 0] -= 0.2
    tracks = link_tracks(doubles, rate=RATE)
    assert len(tracks) == 2
    kept = np.concatenate([track.detections for track in tracks])
    assert len(kept) == len(person) and doubles.confidence_MK[kept].min() > 0.7


@pytest.mark.parametrize("cut", [1, 17, 46, 60])
def test_tracks_do_not_depend_on_sharding_or_on_the_order_within_a_frame(cut: int) -> None:
    seen, _ = sightings(SCENES["two cross"].cast, (50.0, 50.0))
    whole = link_tracks(seen, rate=RATE)
    parts = [FrameRange(start=0, stop=cut), FrameRange(start=cut, stop=seen.frames.stop)]
    joined = Detections.joined(
        [
            chosen(seen, np.flatnonzero(np.isin(seen.frame_M, list(part))), frames=part)
            for part in parts
        ]
    )
    for one, other in zip(whole, link_tracks(joined, rate=RATE), strict=True):
        np.testing.assert_array_equal(one.detections, other.detections)
    swapped = np.lexsort((-np.arange(len(seen.frame_M)), seen.frame_M))
    for one, other in zip(whole, link_tracks(chosen(seen, swapped), rate=RATE), strict=True):
        np.testing.assert_array_equal(one.detections, swapped[other.detections])


def test_ids_count_from_one_by_first_frame_then_from_left_to_right() -> None:
    seen, _ = sightings(SCENES["two cross"].cast, (40.0, 70.0))
    tracks = link_tracks(seen, rate=RATE)
    first = [
        (int(seen.frame_M[track.detections[0]]), float(seen.box_M4[track.detections[0], 0]))
        for track in tracks
    ]
    assert [track.id for track in tracks] == [1, 2]
    assert first == sorted(first)


def test_a_passing_sighting_is_nobody_unless_the_shot_is_as_short() -> None:
    seen, person = sightings(SCENES["two cross"].cast, (40.0, 70.0))
    one = np.flatnonzero(person == 0)
    brief = np.flatnonzero((person == 1) & (seen.frame_M < 2))
    rows = np.sort(np.concatenate([one, brief]))
    assert len(link_tracks(chosen(seen, rows), rate=RATE)) == 1
    assert len(link_tracks(chosen(seen, brief), rate=RATE)) == 1


def test_a_summary_tells_when_and_where_somebody_is_seen() -> None:
    seen, _ = sightings(SCENES["two cross"].cast, (40.0, 70.0))
    track = link_tracks(seen, rate=RATE)[0]
    facts = summarise(track, seen)
    frames = seen.frame_M[track.detections]
    assert (facts.first_frame, facts.last_frame) == (1001 + frames[0], 1001 + frames[-1])
    assert facts.frames_seen == len(track.detections)
    row = track.detections[frames == facts.best_frame - 1001][0]
    np.testing.assert_allclose(facts.box, seen.box_M4[row], atol=0.51)


def test_nobody_seen_is_no_track() -> None:
    seen, _ = sightings(SCENES["two cross"].cast, None)
    assert link_tracks(chosen(seen, np.zeros(0, np.int64)), rate=RATE) == []
