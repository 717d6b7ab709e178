"""The performer: which of a shot's tracks gives the motion, and their pose in every frame.

It does not know how tracks were linked, nor what becomes of the poses.

Shape letters: N frames, M detections, K joints.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bodyswap.choice import PerformerChoice, Rule
from bodyswap.errors import NoPerformerError, PlateError
from bodyswap.keypoints.boxes import SURE
from bodyswap.keypoints.tracks import Track, summarise
from bodyswap.people import Detections, PoseSequence
from bodyswap.skeleton import Floats
from bodyswap.timing import FIRST_FRAME_NUMBER, FrameRange

_STEP_S = 0.2
_LIVELY = 0.5
_LIVELY_WEIGHT = 2.0


def choose_performer(
    tracks: Sequence[Track],
    detections: Detections,
    frames: FrameRange,
    choice: PerformerChoice,
    *,
    rate: float,
    first_number: int = FIRST_FRAME_NUMBER,
) -> Track:
    """The track asked for. `auto`: seen largest for longest, most surely, and moving most.

    Raises:
        NoPerformerError: no track has the id, or nobody is at the point.
        PlateError: the point's frame is none of `frames`.
    """
    match choice.rule:
        case Rule.LARGEST:
            return max(tracks, key=lambda track: float(np.median(track.size_px)))
        case Rule.LONGEST:
            return max(tracks, key=lambda track: (len(track.detections), track.size_px.sum()))
        case Rule.ID:
            return _with_id(tracks, detections, choice.id)
        case Rule.POINT:
            return _at_point(tracks, detections, frames, choice, first_number)
        case _:
            return max(tracks, key=lambda track: _prominence(track, detections, rate))


def spread_track(
    track: Track, detections: Detections, frames: FrameRange, *, least_confidence: float
) -> PoseSequence:
    """The track's poses at every frame of the range; joints not trusted have confidence 0."""
    shape = (len(frames), len(detections.skeleton.joints))
    keypoints, confidence = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    rows = detections.frame_M[track.detections] - frames.start
    inside = (rows >= 0) & (rows < len(frames))
    rows, picked = rows[inside], track.detections[inside]
    keypoints[rows] = detections.keypoints_MK2[picked]
    trusted = detections.confidence_MK[picked] >= least_confidence
    confidence[rows] = np.where(trusted, detections.confidence_MK[picked], 0).clip(0, 1)
    return PoseSequence(
        skeleton=detections.skeleton, frames=frames, keypoints_NK2=keypoints,
        confidence_NK=confidence,
    )  # fmt: skip


def _prominence(track: Track, detections: Detections, rate: float) -> float:
    """Size x time x certainty, up to three times as much for somebody who moves a lot."""
    speed = _liveliness(track, detections, rate)
    lively = 1 + _LIVELY_WEIGHT * speed / (speed + _LIVELY)
    return float((track.size_px * track.confidence).sum()) * lively


def _liveliness(track: Track, detections: Detections, rate: float) -> float:
    """Mean speed of the sure joints in sizes a second, over steps long enough to hide jitter."""
    step = max(1, round(_STEP_S * rate))
    first, last = track.detections[:-step], track.detections[step:]
    if not len(first):
        return 0.0
    confidence = np.minimum(detections.confidence_MK[first], detections.confidence_MK[last])
    moved = np.linalg.norm(detections.keypoints_MK2[last] - detections.keypoints_MK2[first], axis=2)
    apart_s = (detections.frame_M[last] - detections.frame_M[first]) / rate
    speed = moved / (np.maximum(track.size_px[:-step], 1.0) * apart_s)[:, None]
    sure = confidence >= SURE
    return float(speed[sure].mean()) if sure.any() else 0.0


def _with_id(tracks: Sequence[Track], detections: Detections, wanted: int) -> Track:
    for track in tracks:
        if track.id == wanted:
            return track
    raise NoPerformerError(
        f"performer {wanted} is nobody's id; seen were {_listed(tracks, detections)}"
    )


def _at_point(
    tracks: Sequence[Track], detections: Detections, frames: FrameRange, choice: PerformerChoice,
    first_number: int,
) -> Track:  # fmt: skip
    frame = choice.number - first_number
    if frame not in frames:
        raise PlateError(
            f"performer '{choice}' points into frame {choice.number}, which is outside"
            f" {frames.numbered(first_number)}"
        )
    there = {
        track.id: (track, int(row))
        for track in tracks
        for row in track.detections[detections.frame_M[track.detections] == frame]
    }
    if not there:
        raise NoPerformerError(
            f"performer '{choice}' points into a frame where nobody is seen; seen were"
            f" {_listed(tracks, detections)}"
        )
    point = np.array([choice.x, choice.y])
    hit = [one for one in there.values() if _inside(detections.box_M4[one[1]], point)]
    away = {track.id: _away(row, detections, point) for track, row in there.values()}
    if not hit:
        nearest = min(away, key=lambda number: away[number])
        raise NoPerformerError(
            f"performer '{choice}' points at nobody; nearest there is performer {nearest},"
            f" {away[nearest]:.0f} px away"
        )
    return min((track for track, _ in hit), key=lambda track: away[track.id])


def _away(row: int, detections: Detections, point_2: npt.NDArray[np.float64]) -> float:
    """From a point to the nearest limb or joint of a detection, in pixels."""
    keypoints_K2, confidence_K = detections.keypoints_MK2[row], detections.confidence_MK[row]
    away = [np.linalg.norm(keypoints_K2 - point_2, axis=1)[confidence_K >= SURE].min(initial=1e9)]
    for first, last in detections.skeleton.limb_indices:
        if min(confidence_K[first], confidence_K[last]) >= SURE:
            start_2, along_2 = keypoints_K2[first], keypoints_K2[last] - keypoints_K2[first]
            share = (point_2 - start_2) @ along_2 / max(float(along_2 @ along_2), 1e-6)
            foot_2 = start_2 + along_2 * np.clip(share, 0, 1)
            away.append(np.linalg.norm(foot_2 - point_2))
    return float(min(away))


def _inside(box_4: Floats, point_2: npt.NDArray[np.float64]) -> bool:
    return bool((point_2 >= box_4[:2]).all() and (point_2 <= box_4[2:]).all())


def _listed(tracks: Sequence[Track], detections: Detections) -> str:
    facts = [summarise(track, detections) for track in tracks]
    return ", ".join(f"{one.id} ({one.first_frame}-{one.last_frame})" for one in facts)
