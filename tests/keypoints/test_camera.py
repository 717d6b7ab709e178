from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
import pytest

from bodyswap.frames import RGB, FrameBatch
from bodyswap.homography import apply_homography, to_first_frame
from bodyswap.keypoints.camera import CameraWatch
from bodyswap.people import Detections
from bodyswap.skeleton import COCO_17
from bodyswap.stage.render import Shot, empty_set
from bodyswap.timing import FrameRange

WIDE, HIGH = 640, 360
CORNERS = np.array([[20, 20], [620, 20], [20, 340], [620, 340]], np.float32)


@cache
def _set() -> RGB:
    """The stage with pictures on its walls: its own are too plain to tell a motion by."""
    still = empty_set(Shot(width=1600, height=900)).copy()
    generator = np.random.default_rng(4)
    for _ in range(220):
        x, y, wide, high = (int(value) for value in generator.integers(0, [1600, 900, 60, 60]))
        colour = [int(value) for value in generator.integers(0, 256, 3)]
        cv2.rectangle(still, (x, y), (x + 8 + wide, y + 8 + high), colour, -1)
    return still


def _pan(count: int, px_a_frame: float, noise: float = 1.5) -> tuple[list[RGB], list[np.ndarray]]:
    """A camera that pans, tilts a little and zooms over a still of the stage, and where each
    frame's pixels lie in the still; every frame has a camera's noise of its own."""
    generator = np.random.default_rng(7)
    pictures, truths = [], []
    for frame in range(count):
        moved = px_a_frame * frame
        zoom = 1 + 0.0004 * moved
        truth = np.array([[zoom, 0, 300 + moved], [0, zoom, 250 - 0.3 * moved], [0, 0, 1.0]])
        picture = cv2.warpPerspective(_set(), np.linalg.inv(truth), (WIDE, HIGH))
        noisy = picture + generator.normal(0, noise, picture.shape)
        pictures.append(noisy.clip(0, 255).astype(np.uint8))
        truths.append(truth)
    return pictures, truths


def _batches(pictures: list[RGB], first: int) -> Iterator[FrameBatch]:
    for start in range(0, len(pictures), 8):
        some = pictures[start : start + 8]
        yield FrameBatch(
            rgb_NHW3=np.stack(some),
            pts=tuple(range(first + start, first + start + len(some))),
            first_index=first + start,
            time_base=Fraction(1, 24),
        )


def _people(frames: FrameRange, boxes: dict[int, list[float]]) -> Detections:
    seen = sorted(frame for frame in boxes if frame in frames)
    return Detections(
        skeleton=COCO_17,
        frames=frames,
        frame_M=np.array(seen, np.int64),
        keypoints_MK2=np.zeros((len(seen), 17, 2), np.float32),
        confidence_MK=np.zeros((len(seen), 17), np.float32),
        box_M4=np.array([boxes[frame] for frame in seen], np.float32).reshape(-1, 4),
    )


def _watched(
    pictures: list[RGB], frames: FrameRange, boxes: dict[int, list[float]] | None = None
) -> Detections:
    watch = CameraWatch(frames)
    passed = list(watch.passing(_batches(pictures[frames.start : frames.stop + 1], frames.start)))
    assert sum(len(batch) for batch in passed) == len(frames)
    people = _people(frames, boxes or {})
    return replace(people, camera_N33=watch.motion(people))


def _worst_px(seen: Detections, truths: list[np.ndarray]) -> float:
    assert seen.camera_N33 is not None
    worst = 0.0
    for found, truth in zip(to_first_frame(seen.camera_N33), truths, strict=False):
        exact = apply_homography(np.linalg.inv(truths[0]) @ truth, CORNERS)
        worst = max(worst, float(np.abs(apply_homography(found, CORNERS) - exact).max()))
    return worst


@pytest.mark.parametrize(("px_a_frame", "within_px"), [(6.0, 1.0), (0.1, 2.0), (-2.0, 1.0)])
def test_a_pan_over_the_stage_is_measured_over_the_whole_shot(
    px_a_frame: float, within_px: float
) -> None:
    pictures, truths = _pan(60, px_a_frame)
    assert _worst_px(_watched(pictures, FrameRange(start=0, stop=60)), truths) < within_px


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_camera_that_stands_still_moves_exactly_not_at_all(is_plain: bool) -> None:
    pictures, _ = _pan(40, 0.0, noise=4.0)
    if is_plain:
        noise = np.random.default_rng(3).normal(0, 4.0, (40, HIGH, WIDE, 3))
        plain = empty_set(Shot(width=WIDE, height=HIGH))
        pictures = [(plain + one).clip(0, 255).astype(np.uint8) for one in noise]
    seen = _watched(pictures, FrameRange(start=0, stop=40))
    assert seen.camera_N33 is not None
    assert (seen.camera_N33 == np.eye(3)).all()


def test_a_person_who_walks_through_most_of_the_picture_is_not_taken_for_the_camera() -> None:
    pictures, _ = _pan(30, 0.0)
    texture = np.random.default_rng(1).integers(0, 255, (44, 48, 3), np.uint8)
    person = cv2.resize(texture, (384, 352), interpolation=cv2.INTER_CUBIC)
    boxes = {}
    for frame, picture in enumerate(pictures):
        left = 10 + 6 * frame
        picture[4:356, left : left + 384] = person
        boxes[frame] = [left, 4.0, left + 384.0, 356.0]
    frames = FrameRange(start=0, stop=29)
    known = _watched(pictures, frames, boxes)
    assert known.camera_N33 is not None
    assert (known.camera_N33 == np.eye(3)).all()
    unknown = _watched(pictures, frames).camera_N33
    assert unknown is not None
    assert not (unknown == np.eye(3)).all()


def test_a_pass_cut_where_people_are_searched_for_sees_the_same_motion_to_the_bit() -> None:
    pictures, _ = _pan(60, 3.0)
    whole = _watched(pictures, FrameRange(start=0, stop=60))
    parts = [FrameRange(start=0, stop=24), FrameRange(start=24, stop=48),
             FrameRange(start=48, stop=60)]  # fmt: skip
    joined = Detections.joined([_watched(pictures, part) for part in parts])
    assert joined.camera_N33 is not None
    assert np.array_equal(joined.camera_N33, whole.camera_N33)
    assert np.array_equal(Detections.from_bytes(joined.to_bytes()).camera_N33, whole.camera_N33)


def test_a_picture_without_anything_to_hold_on_to_counts_as_a_still_camera() -> None:
    blank = [np.full((HIGH, WIDE, 3), 90, np.uint8)] * 12
    seen = _watched(blank, FrameRange(start=0, stop=12))
    assert seen.camera_N33 is not None
    assert (seen.camera_N33 == np.eye(3)).all()
