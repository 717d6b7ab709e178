"""How much of a motion the subject was filmed doing: risk a frame, before any pixel is made.

A pose is compared with representatives of the poses the subject was trained on: their joints in
the subject's picture, over each other's centres, in person heights. Which way the body lies in the
picture and how large it is are kept, for the generator sees them too. Each part of the body looks
for its own nearest pose, since the generator puts together what it learnt of each: on the stage
that tells errors better than the nearest whole pose. What distance is much is told by the training
poses themselves: how far each is from all others that are not its neighbours in time. It does not
know pictures or files. It compares the joints of COCO-17; those that a skeleton lacks are
unknown.

Shape letters: N frames, C representatives, K joints, P parts of the body, 2 = x and y.
"""

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from bodyswap.errors import SubjectError
from bodyswap.people import Mask, PoseSequence
from bodyswap.skeleton import COCO_17, Floats

INDEX_FILE = "coverage.npz"
MOST_POSES = 400
NEIGHBOUR_FRAMES = 30
"""Poses of one clip closer in time than this say nothing of each other's being usual."""

PARTS = {
    "head": ("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    "torso": ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
}

_FACE_WEIGHT = 0.4
_PLACE_WEIGHT = 0.15
"""How much standing elsewhere counts, beside joints being elsewhere on the body."""
_LEAST_KNOWN = 6
_MOST_CALIBRATED = 1500
_USUAL, _UNUSUAL = 50, 98
"""Percentiles of the training poses' own distances where risk is 0.1 and 0.5."""
_DISTANCE_BOUNDS = (0.03, 0.25)
_CHUNK = 128


@dataclass(frozen=True, kw_only=True)
class PoseSet:
    """Poses in person heights: joints as in the picture, and which of them are known."""

    joints_NK2: Floats
    known_NK: Mask

    def __len__(self) -> int:
        return len(self.known_NK)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> "PoseSet":
        return PoseSet(joints_NK2=self.joints_NK2[rows], known_NK=self.known_NK[rows])


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Each pose's nearest representative, and how far it and each part's own nearest are.

    NaN where too little is known of the pose.
    """

    nearest_N: npt.NDArray[np.int64]
    whole_N: Floats
    part_NP: Floats

    @property
    def body_and_parts(self) -> Floats:
        """The root mean square of the parts' distances, then each part's: (N, 1 + P)."""
        known_NP = np.isfinite(self.part_NP)
        total_N = np.where(known_NP, self.part_NP**2, 0).sum(axis=1)
        body_N = np.sqrt(total_N / np.maximum(known_NP.sum(axis=1), 1))
        body_N[~np.isfinite(self.whole_N)] = np.nan
        return np.concatenate([body_N[:, None], self.part_NP], axis=1)


@dataclass(frozen=True, kw_only=True)
class CoverageIndex:
    """The poses a subject was trained on, as `MOST_POSES` representatives at most.

    `count_C` says how many poses each stands for. `usual` and `unusual` are the distances, the
    body's first and then each part's, where risk is 0.1 and 0.5.
    """

    height_px: float
    poses: PoseSet
    count_C: npt.NDArray[np.int64]
    usual: Floats
    unusual: Floats

    def risk(self, poses: PoseSequence) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Risk in [0, 1] of each frame (N) and part (N, P), and the nearest representative (N).

        `poses` are in the subject's pixels; frames that show too little of anybody have NaN.
        """
        found = distances(pose_set(poses, self.height_px), self.poses)
        every = found.body_and_parts
        steep = np.log(9) / np.log(np.maximum(self.unusual / self.usual, 1.01))
        with np.errstate(divide="ignore"):
            risk = 1 / (1 + (self.unusual / every) ** np.clip(steep, 1.5, 8.0))
        risk = risk.astype(np.float32)
        return risk[:, 0], risk[:, 1:], found.nearest_N

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            height_px=np.array(self.height_px),
            joints=self.poses.joints_NK2.astype(np.float16),
            known=self.poses.known_NK,
            count=self.count_C,
            usual=self.usual,
            unusual=self.unusual,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises SubjectError where the bytes hold no index."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                return cls(
                    height_px=float(archive["height_px"]),
                    poses=PoseSet(
                        joints_NK2=archive["joints"].astype(np.float32),
                        known_NK=archive["known"].astype(np.bool_),
                    ),
                    count_C=archive["count"].astype(np.int64),
                    usual=archive["usual"].astype(np.float32),
                    unusual=archive["unusual"].astype(np.float32),
                )
        except (OSError, ValueError, KeyError) as error:
            raise SubjectError(f"{INDEX_FILE} holds no index of poses; train it again") from error


def build_index(
    poses: PoseSequence, *, height_px: float, clip_starts: tuple[int, ...] = (0,)
) -> CoverageIndex:
    """The index of a subject's training poses, in their own pixels at training size.

    `clip_starts` are the rows that do not follow the one before them.
    """
    every = pose_set(poses, height_px)
    usable = np.flatnonzero(every.known_NK.sum(axis=1) >= _LEAST_KNOWN)
    if not usable.size:
        raise SubjectError("no frame of the footage shows enough of the subject to train on")
    chosen, stands_for = _representatives(every[usable])
    rows = usable[chosen]
    clip_N = np.searchsorted(np.array(clip_starts), np.arange(len(every)), side="right")
    usual, unusual = _calibrated(every, usable, rows, clip_N)
    return CoverageIndex(
        height_px=height_px,
        poses=every[rows],
        count_C=np.bincount(stands_for, minlength=len(rows)),
        usual=usual,
        unusual=unusual,
    )


def pose_set(poses: PoseSequence, height_px: float) -> PoseSet:
    """The COCO-17 joints of the poses, in heights of the person."""
    keypoints_NK2, confidence_NK = coco_joints(poses)
    return PoseSet(
        joints_NK2=(keypoints_NK2 / height_px).astype(np.float32), known_NK=confidence_NK > 0
    )


def coco_joints(poses: PoseSequence) -> tuple[Floats, Floats]:
    """The COCO-17 joints of the poses and their confidence, 0 where the skeleton has no such."""
    skeleton = poses.skeleton
    had_K = np.array([name in skeleton.joints for name in COCO_17.joints])
    keypoints_NK2 = np.zeros((len(poses), len(had_K), 2), np.float32)
    confidence_NK = np.zeros((len(poses), len(had_K)), np.float32)
    joints = skeleton.those_of(COCO_17.joints)
    keypoints_NK2[:, had_K] = poses.keypoints_NK2[:, joints]
    confidence_NK[:, had_K] = poses.confidence_NK[:, joints]
    return keypoints_NK2, confidence_NK


def distances(poses: PoseSet, index: PoseSet, near_NC: Mask | None = None) -> Distances:
    """From each pose to the index; pairs in `near_NC` do not count."""
    nearest, whole, parts = [], [], []
    for start in range(0, len(poses), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(poses)))
        off_NCK, whole_NC = _between(poses[rows], index)
        part_NCP = _part_distances(off_NCK)
        if near_NC is not None:
            whole_NC = np.where(near_NC[rows], np.inf, whole_NC)
            part_NCP = np.where(near_NC[rows, :, None], np.inf, part_NCP)
        best_N = whole_NC.argmin(axis=1)
        nearest.append(best_N)
        whole.append(whole_NC[np.arange(len(rows)), best_N])
        parts.append(part_NCP.min(axis=1))
    whole_N, part_NP = np.concatenate(whole), np.concatenate(parts)
    whole_N[~np.isfinite(whole_N)] = np.nan
    part_NP[~np.isfinite(part_NP)] = np.nan
    return Distances(nearest_N=np.concatenate(nearest), whole_N=whole_N, part_NP=part_NP)


def _between(poses: PoseSet, index: PoseSet) -> tuple[Floats, Floats]:
    """Squared distances of each joint (N, C, K; NaN: unknown) and of whole poses (N, C)."""
    both_NCK = poses.known_NK[:, None] & index.known_NK[None]
    weight_NCK = both_NCK * _WEIGHT_K
    total_NC = np.maximum(weight_NCK.sum(axis=2), 1e-6)
    apart_NCK2 = poses.joints_NK2[:, None] - index.joints_NK2[None]
    shift_NC2 = (apart_NCK2 * weight_NCK[..., None]).sum(axis=2) / total_NC[..., None]
    off_NCK = ((apart_NCK2 - shift_NC2[:, :, None]) ** 2).sum(axis=3)
    squared_NC = (off_NCK * weight_NCK).sum(axis=2) / total_NC
    squared_NC += _PLACE_WEIGHT**2 * (shift_NC2**2).sum(axis=2)
    few_NC = both_NCK.sum(axis=2) < _LEAST_KNOWN
    whole_NC = np.where(few_NC, np.inf, np.sqrt(squared_NC))
    return np.where(both_NCK, off_NCK, np.nan).astype(np.float32), whole_NC.astype(np.float32)


def _part_distances(off_NCK: Floats) -> Floats:
    """Each part's distance (N, C, P); infinite where none of its joints is known in both."""
    parts = []
    for joints in _PART_JOINTS:
        known = np.isfinite(off_NCK[:, :, joints])
        total = np.where(known, off_NCK[:, :, joints], 0).sum(axis=2)
        count = known.sum(axis=2)
        parts.append(np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.inf))
    return np.stack(parts, axis=2).astype(np.float32)


def _representatives(poses: PoseSet) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows chosen farthest first (k-centre: Gonzalez, 1985), and whom each pose is nearest to."""
    middle = int(poses.known_NK.sum(axis=1).argmax())
    chosen, away_N = [middle], np.full(len(poses), np.inf, np.float32)
    nearest_N = np.zeros(len(poses), np.int64)
    while True:
        newest = poses[np.array([chosen[-1]])]
        to_newest_N = _between(poses, newest)[1][:, 0]
        is_nearer_N = to_newest_N < away_N
        nearest_N[is_nearer_N] = len(chosen) - 1
        away_N = np.minimum(away_N, to_newest_N)
        reached_N = np.where(np.isfinite(away_N), away_N, -1)
        farthest = int(reached_N.argmax())
        if len(chosen) == MOST_POSES or reached_N[farthest] <= 1e-6:
            return np.array(chosen), nearest_N
        chosen.append(farthest)


def _calibrated(
    every: PoseSet,
    usable: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    clip_N: npt.NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Usual and unusual distances, of the whole body and of each part, (1 + P)."""
    step = max(1, len(usable) // _MOST_CALIBRATED)
    asked = usable[::step]
    near_NC = (clip_N[asked][:, None] == clip_N[rows][None]) & (
        np.abs(asked[:, None] - rows[None]) <= NEIGHBOUR_FRAMES
    )
    found = distances(every[asked], every[rows], near_NC)
    own = found.body_and_parts
    low, high = _DISTANCE_BOUNDS
    levels = []
    for percentile, fallback in ((_USUAL, low), (_UNUSUAL, high / 2)):
        # One short clip has no poses far enough apart in time to tell: then fixed figures serve.
        known = [column[np.isfinite(column)] for column in own.T]
        levels.append(
            [float(np.percentile(one, percentile)) if one.size else fallback for one in known]
        )
    unusual = np.clip(levels[1], low, high)
    usual = np.clip(levels[0], 0.01, unusual / 1.3)
    return usual.astype(np.float32), unusual.astype(np.float32)


_PART_JOINTS = [[COCO_17.joint(name) for name in names] for names in PARTS.values()]
_WEIGHT_K = np.array(
    [_FACE_WEIGHT if name in PARTS["head"] else 1.0 for name in COCO_17.joints], np.float32
)
