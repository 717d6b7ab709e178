import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bodyswap.config import RenderSettings, SolveSettings
from bodyswap.errors import NoPerformerError, UsageError
from bodyswap.homography import apply_homography
from bodyswap.keypoints.steadiness import LIMB_ENDS
from bodyswap.people import Detections, PoseSequence
from bodyswap.retarget import measure_stance
from bodyswap.skeleton import COCO_17
from bodyswap.solve import PlateShape, follow_performer, solve, solve_given
from bodyswap.stage.cast import REX, VEGA
from bodyswap.timing import FrameRange, Timeline
from tests.motions_on_stage import stage_poses
from tests.noisy_sightings import noisy

PLATE = PlateShape(width=512, height=512, rate=30.0)
PLAIN = SolveSettings(smoothing_s=0.0)
WALK = stage_poses(REX, "walk", size=512)
WHOLE = WALK.frames


def _detections(*people: PoseSequence, frames: FrameRange = WHOLE) -> Detections:
    """Everyone in `people`, where they have any joint, frame by frame."""
    rows = [
        (frame, person.keypoints_NK2[index], person.confidence_NK[index])
        for frame in frames
        for person in people
        if frame in person.frames
        for index in (frame - person.frames.start,)
        if person.confidence_NK[index].any()
    ]
    keypoints = np.array([row[1] for row in rows], np.float32).reshape(-1, 17, 2)
    return Detections(
        skeleton=COCO_17,
        frames=frames,
        frame_M=np.array([row[0] for row in rows], np.int64),
        keypoints_MK2=keypoints,
        confidence_MK=np.array([row[2] for row in rows], np.float32).reshape(-1, 17),
        box_M4=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
    )


def _moved(poses: PoseSequence, x: float, scale: float = 1.0) -> PoseSequence:
    return PoseSequence(
        skeleton=COCO_17,
        frames=poses.frames,
        keypoints_NK2=(poses.keypoints_NK2 * scale + np.array([x, 0])).astype(np.float32),
        confidence_NK=poses.confidence_NK,
    )


def _hidden(poses: PoseSequence, start: int, stop: int) -> PoseSequence:
    confidence = poses.confidence_NK.copy()
    confidence[start:stop] = 0
    return PoseSequence(
        skeleton=COCO_17,
        frames=poses.frames,
        keypoints_NK2=poses.keypoints_NK2,
        confidence_NK=confidence,
    )


def test_the_largest_lasting_person_is_followed_whoever_is_listed_first() -> None:
    extra = _moved(WALK, 300, scale=0.4)
    for people in ((WALK, extra), (extra, WALK)):
        found, report = follow_performer(_detections(*people), WHOLE, plate=PLATE, settings=PLAIN)
        np.testing.assert_allclose(found.keypoints_NK2, WALK.keypoints_NK2)
        assert report.tracks == 2
        assert report.present == len(WHOLE)


def test_short_gaps_are_bridged_and_long_ones_stay_absent() -> None:
    short, _ = follow_performer(
        _detections(_hidden(WALK, 10, 15)), WHOLE, plate=PLATE, settings=PLAIN
    )
    assert (short.confidence_NK[10:15] > 0).all()
    off = np.abs(short.keypoints_NK2[10:15] - WALK.keypoints_NK2[10:15])
    assert off.max() < 20
    long, report = follow_performer(
        _detections(_hidden(WALK, 8, 20)), WHOLE, plate=PLATE, settings=PLAIN
    )
    assert (long.confidence_NK[8:20] == 0).all()
    assert (report.absent, report.interpolated) == (12, 0)
    assert len(long) == len(WHOLE)


def test_a_joint_below_the_least_confidence_is_absent() -> None:
    confidence = WALK.confidence_NK.copy()
    confidence[:, 9] = 0.2
    doubtful = PoseSequence(
        skeleton=COCO_17,
        frames=WHOLE,
        keypoints_NK2=WALK.keypoints_NK2,
        confidence_NK=confidence,
    )
    found, _ = follow_performer(_detections(doubtful), WHOLE, plate=PLATE, settings=PLAIN)
    assert (found.confidence_NK[:, 9] == 0).all()
    assert (found.confidence_NK[:, 10] == 1).all()


def test_an_empty_shot_says_how_far_was_searched() -> None:
    with pytest.raises(NoPerformerError, match="frames 1001-1012"):
        nobody = _hidden(WALK, 0, len(WHOLE))
        frames = FrameRange(start=0, stop=12)
        follow_performer(_detections(nobody, frames=frames), frames, plate=PLATE, settings=PLAIN)


def test_smoothing_takes_jitter_away_without_lag() -> None:
    noise = np.random.default_rng(2).normal(0, 2.5, WALK.keypoints_NK2.shape)
    jittery = PoseSequence(
        skeleton=COCO_17,
        frames=WHOLE,
        keypoints_NK2=(WALK.keypoints_NK2 + noise).astype(np.float32),
        confidence_NK=WALK.confidence_NK,
    )
    smooth, _ = follow_performer(_detections(jittery), WHOLE, plate=PLATE, settings=SolveSettings())
    raw_error = np.abs(jittery.keypoints_NK2 - WALK.keypoints_NK2).mean()
    error = np.abs(smooth.keypoints_NK2 - WALK.keypoints_NK2).mean()
    assert error < 0.7 * raw_error
    wrist = COCO_17.joint("left_wrist")
    lags = [
        np.abs(
            np.roll(smooth.keypoints_NK2[:, wrist], shift, axis=0)[4:-4]
            - WALK.keypoints_NK2[4:-4, wrist]
        ).mean()
        for shift in (-2, -1, 0, 1, 2)
    ]
    assert int(np.argmin(lags)) == 2


@pytest.mark.parametrize("cut", [1, 7, 20, 33])
def test_the_solution_does_not_depend_on_how_the_pose_pass_was_sharded(cut: int) -> None:
    extra = _moved(WALK, 300, scale=0.4)
    parts = [FrameRange(start=0, stop=cut), FrameRange(start=cut, stop=WHOLE.stop)]
    joined = Detections.joined([_detections(WALK, extra, frames=part) for part in parts])
    stance = measure_stance(stage_poses(VEGA, "walk", size=256), width=256, height=256)
    whole, sharded = (
        solve(each, WHOLE, plate=PLATE, stance=stance, settings=SolveSettings())
        for each in (_detections(WALK, extra), joined)
    )
    np.testing.assert_array_equal(sharded.subject.keypoints_NK2, whole.subject.keypoints_NK2)
    assert sharded.report == whole.report


def test_without_retargeting_the_performer_is_only_scaled_to_the_subjects_picture() -> None:
    stance = measure_stance(stage_poses(VEGA, "walk", size=256), width=256, height=256)
    solution = solve(
        _detections(WALK), WHOLE, plate=PLATE, stance=stance,
        settings=SolveSettings(retarget=False),
    )  # fmt: skip
    np.testing.assert_allclose(
        solution.subject.keypoints_NK2, solution.performer.keypoints_NK2 / 2, rtol=1e-6
    )


@pytest.mark.parametrize("settings", [SolveSettings(), SolveSettings(retarget=False)])
def test_poses_given_are_solved_as_those_found_and_none_is_changed(settings: SolveSettings) -> None:
    stance = measure_stance(stage_poses(VEGA, "walk", size=256), width=256, height=256)
    found = solve(_detections(WALK), WHOLE, plate=PLATE, stance=stance, settings=settings)
    given = solve_given(found.performer, None, plate=PLATE, stance=stance, settings=settings)
    np.testing.assert_array_equal(given.subject.keypoints_NK2, found.subject.keypoints_NK2)
    assert given.performer is found.performer
    assert given.report["poses"] == "given" and given.report["present"] == len(WHOLE)


def test_a_jerk_that_somebody_put_there_is_kept() -> None:
    keypoints = WALK.keypoints_NK2.copy()
    keypoints[10, 9] += 80
    jerky = PoseSequence(
        skeleton=COCO_17, frames=WHOLE, keypoints_NK2=keypoints, confidence_NK=WALK.confidence_NK
    )
    stance = measure_stance(WALK, width=512, height=512)
    settings = SolveSettings(retarget=False)
    given = solve_given(jerky, None, plate=PLATE, stance=stance, settings=settings).subject
    np.testing.assert_allclose(given.keypoints_NK2, keypoints)


def test_poses_given_that_show_nobody_are_no_performer() -> None:
    stance = measure_stance(WALK, width=512, height=512)
    with pytest.raises(NoPerformerError, match="show nobody in frames 1001"):
        solve_given(
            _hidden(WALK, 0, len(WHOLE)),
            None,
            plate=PLATE,
            stance=stance,
            settings=SolveSettings(),
        )


def _left_for(gap: FrameRange, times_s: tuple[float, ...]) -> PoseSequence:
    """WALK without those frames, solved on a clock of these times (thousandths of a second)."""
    clock = Timeline(
        pts=tuple(round(1000 * time) for time in times_s),
        time_base=Fraction(1, 1000),
        rate=Fraction(30),
    )
    plate = PlateShape(width=512, height=512, rate=30.0, timeline=clock)
    seen = _detections(_hidden(WALK, gap.start, gap.stop))
    return follow_performer(seen, WHOLE, plate=plate, settings=PLAIN)[0]


def test_a_gap_is_as_long_as_the_plates_own_clock_says() -> None:
    gap = FrameRange(start=10, stop=15)
    even = tuple(index / 30 for index in WHOLE)
    held = tuple(time + (0.2 if index > 12 else 0) for index, time in enumerate(even))
    assert (_left_for(gap, even).confidence_NK > 0).all()
    assert (_left_for(gap, held).confidence_NK[10:15] == 0).all()


def test_frames_before_the_first_and_after_the_last_sighting_are_never_made_up() -> None:
    seen = _detections(_hidden(_hidden(WALK, 0, 2), len(WHOLE) - 2, len(WHOLE)))
    found, report = follow_performer(seen, WHOLE, plate=PLATE, settings=SolveSettings())
    assert (found.confidence_NK[[0, 1, -2, -1]] == 0).all()
    assert (report.absent, report.interpolated, report.frames) == (4, 0, len(WHOLE))


@pytest.mark.parametrize("smoothing", ["zero-lag", "one-euro", "off"])
def test_smoothing_is_chosen_by_a_setting_and_reported(smoothing: str) -> None:
    seen = _detections(noisy(WALK))
    settings = SolveSettings(smoothing=smoothing, least_confidence=0.0)
    found, report = follow_performer(seen, WHOLE, plate=PLATE, settings=settings)
    removed = report.steadiness.jitter_removed
    lowest, highest = {"zero-lag": (0.9, 1), "one-euro": (0.6, 0.99), "off": (0, 0)}[smoothing]
    assert lowest <= removed <= highest
    assert set(report.steadiness.peak_speed_kept) == set(LIMB_ENDS)
    assert json.loads(json.dumps(report.to_dict()))["steadiness"]["jitter_removed"] == removed
    assert len(found) == len(WHOLE)


def test_a_swap_and_a_spike_are_repaired_and_counted() -> None:
    keypoints = WALK.keypoints_NK2.copy()
    knees = [COCO_17.joint("left_knee"), COCO_17.joint("right_knee")]
    keypoints[20:23, knees] = keypoints[20:23, knees[::-1]]
    keypoints[8, COCO_17.joint("left_wrist")] += 150
    seen = _detections(replace(WALK, keypoints_NK2=keypoints))
    found, report = follow_performer(seen, WHOLE, plate=PLATE, settings=PLAIN)
    assert report.joints_swapped_back == 6
    assert (report.joints_not_believed, report.joints_filled) == (1, 1)
    off = np.linalg.norm(found.keypoints_NK2 - WALK.keypoints_NK2, axis=2)
    assert off.max() < 5


@pytest.mark.parametrize(
    ("change", "told"),
    [("solve.smoothing=kalman", "choose zero-lag, one-euro, off"), ("solve.smoothing_s=-1", "-1")],
)
def test_a_smoothing_that_is_none_is_refused(change: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        RenderSettings().with_overrides([change])


def test_a_camera_that_follows_the_performer_does_not_nail_them_to_the_spot() -> None:
    """A pan and a zoom over the walk give what the standing camera gives."""
    count = len(WHOLE)
    pan_N33 = np.tile(np.eye(3), (count, 1, 1))
    pan_N33[:, 0, 2] = np.linspace(0, -180, count)
    pan_N33[:, 0, 0] = pan_N33[:, 1, 1] = np.linspace(1, 1.2, count)
    pairs = list(zip(pan_N33, WALK.keypoints_NK2, strict=True))
    panned = replace(WALK, keypoints_NK2=np.stack([apply_homography(*pair) for pair in pairs]))
    motion_N33 = np.tile(np.eye(3), (count, 1, 1))
    motion_N33[:-1] = pan_N33[:-1] @ np.linalg.inv(pan_N33[1:])
    stance = measure_stance(stage_poses(VEGA, "walk", size=256), width=256, height=256)
    still, followed, unknown = (
        solve(seen, WHOLE, plate=PLATE, stance=stance, settings=PLAIN).subject.keypoints_NK2
        for seen in (
            _detections(WALK),
            replace(_detections(panned), camera_N33=motion_N33),
            _detections(panned),
        )
    )
    np.testing.assert_allclose(followed, still, atol=0.1)
    assert np.abs(unknown - still).max() > 15
