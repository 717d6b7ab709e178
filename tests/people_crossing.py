"""Detections of stage scenes without filming them: exact joints, jitter, and occlusion by boxes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bodyswap.keypoints.appearance import APPEARANCE_VALUES
from bodyswap.people import Detections
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.camera import Camera
from bodyswap.stage.crossings import scenes
from bodyswap.stage.ensemble import Role
from bodyswap.timing import FrameRange

WIDTH, HEIGHT = 480, 270
SCENES = {scene.name: scene for scene in scenes()}
Labels = npt.NDArray[np.int64]


def joints_of(role: Role) -> tuple[Floats, float]:
    """The role's joints in the picture (N, K, 2), and how far it is on average, in metres."""
    bones, camera = role.bones(), Camera()
    points = np.stack(
        [
            bones.rotation_TJ33[:, joint] @ np.array(point) + bones.origin_TJ3[:, joint]
            for joint, point in role.performer.joint_points()
        ],
        axis=1,
    )
    pixels, depth = camera.project(points.reshape(-1, 3), WIDTH, HEIGHT)
    return pixels.reshape(*points.shape[:2], 2).astype(np.float32), float(depth.mean())


def sightings(
    cast: Sequence[Role], looks: Sequence[float] | None, *, jitter_px: float = 1.0, seed: int = 3
) -> tuple[Detections, Labels]:
    """What a pose pass could see of the cast, and who each detection is.

    Whoever is mostly behind somebody nearer is not seen. `looks` are lightnesses, one a person.
    """
    random = np.random.default_rng(seed)
    everybody = [joints_of(role) for role in cast]
    count = max(len(joints) for joints, _ in everybody)
    rows: list[tuple[int, int, Floats]] = []
    for frame in range(count):
        at = [joints[min(frame, len(joints) - 1)] for joints, _ in everybody]
        for index, points in enumerate(at):
            low, high = points.min(axis=0), points.max(axis=0)
            outside = (points < 0) | (points > [WIDTH - 1, HEIGHT - 1])
            hidden = any(
                everybody[other][1] < everybody[index][1]
                and abs(at[other][:, 0].mean() - (low[0] + high[0]) / 2) < 0.12 * (high - low)[1]
                for other in range(len(cast))
            )
            if not hidden and outside.any(axis=1).mean() < 0.5:
                noise = random.normal(0, jitter_px, points.shape)
                rows.append((frame, index, (points + noise).astype(np.float32)))
    keypoints = np.stack([row[2] for row in rows])
    person = np.array([row[1] for row in rows], np.int64)
    appearance = None
    if looks is not None:
        shade = np.array(looks, np.float32)[person][:, None]
        appearance = shade + random.normal(0, 4, (len(rows), APPEARANCE_VALUES)).astype(np.float32)
    detections = Detections(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=count),
        frame_M=np.array([row[0] for row in rows], np.int64),
        keypoints_MK2=keypoints,
        confidence_MK=np.full(keypoints.shape[:2], 0.8, np.float32),
        box_M4=np.concatenate([keypoints.min(axis=1) - 3, keypoints.max(axis=1) + 3], axis=1),
        appearance_MD=appearance,
    )
    return detections, person


def chosen(detections: Detections, rows: Labels, frames: FrameRange | None = None) -> Detections:
    """Only some rows, in the order given."""
    looks = detections.appearance_MD
    return Detections(
        skeleton=detections.skeleton,
        frames=frames or detections.frames,
        frame_M=detections.frame_M[rows],
        keypoints_MK2=detections.keypoints_MK2[rows],
        confidence_MK=detections.confidence_MK[rows],
        box_M4=detections.box_M4[rows],
        appearance_MD=None if looks is None else looks[rows],
    )
