"""How well people are kept apart when they cross: `make bench` prints the table.

Each scene of `stage.crossings` is tracked twice: from true joints, jittered, where they are
visible, and from what the shipped pose model sees on film. Figures are exact for one build.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from bodyswap.frames import RGB, FrameBatch
from bodyswap.keypoints.appearance import describe_people
from bodyswap.keypoints.estimator import build_estimator
from bodyswap.keypoints.tracks import link_tracks
from bodyswap.people import Detections
from bodyswap.pose import estimate_poses
from bodyswap.quality.identity import NOBODY, score_identities, true_people
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.crossings import RATE, Scene, scenes
from bodyswap.stage.ensemble import EnsembleFrame, film_together
from bodyswap.stage.render import Shot
from bodyswap.timing import FrameRange

SHOT = Shot(width=480, height=270)
_LEAST_VISIBLE = 6
_JITTER_SHARE = 0.012


def main() -> None:
    torch.set_num_threads(1)
    estimator = build_estimator("rtmpose-t-bodyswap", "cpu")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(f"{'scene':30s} {'from':>6s} {'tracks':>6s} {'people':>6s} "
          f"{'switches':>8s} {'purity':>6s} {'IDF1':>6s} {'seen':>6s}")  # fmt: skip
    for scene in scenes():
        frames = list(film_together(scene.cast, SHOT))
        count = FrameRange(start=0, stop=len(frames))
        rgb_NHW3 = np.stack([frame.rgb_HW3 for frame in frames])
        _show(scene, "truth", _sightings(frames), frames)
        batch = FrameBatch(
            rgb_NHW3=rgb_NHW3, pts=tuple(count), first_index=0, time_base=1 / RATE  # type: ignore[arg-type]
        )  # fmt: skip
        seen = estimate_poses([batch], count, estimator)
        _show(scene, "film", seen, frames)
        if folder is not None:
            _save(folder, scene, rgb_NHW3, seen)


def _show(scene: Scene, source: str, found: Detections, frames: list[EnsembleFrame]) -> None:
    truth_ANK2 = np.stack([[one.keypoints_K2 for one in frame.people] for frame in frames], axis=1)
    visible_ANK = np.stack([[one.visible_K for one in frame.people] for frame in frames], axis=1)
    person_M = true_people(found, truth_ANK2, visible_ANK)
    track_M = np.full(len(person_M), NOBODY, np.int64)
    for track in link_tracks(found, rate=RATE):
        track_M[track.detections] = track.id
    appearances = int(((visible_ANK > 0).sum(axis=2) >= _LEAST_VISIBLE).sum())
    score = score_identities(person_M, track_M, appearances=appearances)
    kind = "hard" if scene.is_hard else "easy"
    seen = (person_M != NOBODY).sum() / appearances
    print(f"{kind}: {scene.name:24s} {source:>6s} {score.tracks:6d} {score.people:6d} "
          f"{score.switches:8d} {score.purity:6.3f} {score.idf1:6.3f} {seen:6.3f}")  # fmt: skip


def _sightings(frames: list[EnsembleFrame]) -> Detections:
    """Everybody with enough joints in view, jittered as a pose model does; hidden joints unsure."""
    random = np.random.default_rng(5)
    rows: list[tuple[int, Floats, Floats, Floats]] = []
    for index, frame in enumerate(frames):
        for person in frame.people:
            if (person.visible_K > 0).sum() < _LEAST_VISIBLE or random.random() < 0.03:
                continue
            height = np.ptp(person.keypoints_K2[:, 1])
            jitter = random.normal(0, _JITTER_SHARE * height, (17, 2))
            keypoints = (person.keypoints_K2 + jitter).astype(np.float32)
            confidence = np.where(person.visible_K > 0, 0.85, 0.15).astype(np.float32)
            look = describe_people(frame.rgb_HW3, keypoints[None], confidence[None], COCO_17)[0]
            rows.append((index, keypoints, confidence, look))
    keypoints_MK2 = np.stack([row[1] for row in rows])
    return Detections(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=len(frames)),
        frame_M=np.array([row[0] for row in rows], np.int64),
        keypoints_MK2=keypoints_MK2,
        confidence_MK=np.stack([row[2] for row in rows]),
        box_M4=np.concatenate([keypoints_MK2.min(axis=1), keypoints_MK2.max(axis=1)], axis=1),
        appearance_MD=np.stack([row[3] for row in rows]),
    )


def _save(folder: Path, scene: Scene, rgb_NHW3: RGB, seen: Detections) -> None:
    """Keep frames and detections for a closer look."""
    folder.mkdir(parents=True, exist_ok=True)
    name = scene.name.replace(" ", "-").replace(",", "")
    (folder / f"{name}.npz").write_bytes(seen.to_bytes())
    np.save(folder / f"{name}-film.npy", rgb_NHW3)


if __name__ == "__main__":
    main()
