"""How well pose models place joints: on the stage, on footage, against published annotations.

PCK@0.2 is the share of joints within 0.2 of the torso, given each person's box. Name several models
to compare them on the same pictures. Without options only the stage is measured.

    python bench/pose_accuracy.py --model rtmpose-t-bodyswap --model my/other.yaml \\
        --clip walk.mp4 --teachers WEIGHTS \\
        --dwpose clip.mp4 poses.npy --coco person_keypoints_val2017.json val2017
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bodyswap.decode import decode
from bodyswap.errors import BodyswapError, UsageError
from bodyswap.frames import FrameBatch
from bodyswap.keypoints.estimator import PoseEstimator, build_estimator
from bodyswap.media.index import index_clip
from bodyswap.people import Detections, Mask
from bodyswap.pose import estimate_poses
from bodyswap.skeleton import COCO_17, Floats
from bodyswap.stage.mocap import motion_names
from bodyswap.timing import FrameRange
from bodyswap.training.pose.labels import label_clip, split_held_out
from bodyswap.training.pose.measure import measure_pck, torso_lengths
from bodyswap.training.pose.references import (
    Guess,
    People,
    coco_oks,
    hull_boxes,
    read_coco,
    read_dwpose,
)
from bodyswap.training.pose.samples import KNOWN, Samples
from bodyswap.training.pose.staged import AS_CAPTURED, HELD_OUT_MOTIONS, Variety, stage_samples
from bodyswap.training.pose.teachers import BlazePose, MoveNet

SEED = 4_242_000
"""Far from the trainer's seeds: these performers and cameras were never trained on."""
STAGE = {
    "stage, every motion as captured, strangers": (motion_names(), AS_CAPTURED),
    "stage, held-out motions, loosened and tumbling": (HELD_OUT_MOTIONS, Variety()),
    "stage, the demo's people as filmed": (motion_names(), Variety(cast_share=1.0)),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table: a figure for each model, and for each joint where there are such."""

    name: str
    value_by_model: list[float]
    pck_by_model_K: list[Floats] | None = None


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    models = options.model or ["rtmpose-t-bodyswap"]
    estimators = [build_estimator(name, "cpu") for name in models]
    print(" " * 58 + "".join(f"{Path(name).stem[-20:]:>22s}" for name in models))
    for figure in _figures(options, estimators):
        print(f"{figure.name:58s}" + "".join(f"{value:22.3f}" for value in figure.value_by_model))
        if options.joints and figure.pck_by_model_K is not None:
            _show_joints(figure.pck_by_model_K)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure pose models.")
    parser.add_argument("--model", action="append", help="name in configs/pose, or a yaml file")
    parser.add_argument("--stage-views", type=int, default=300)
    parser.add_argument("--clip", action="append", type=Path, default=[], help="needs --teachers")
    parser.add_argument("--teachers", type=Path, help="folder of the teachers' weights")
    parser.add_argument("--dwpose", nargs=2, type=Path, metavar=("CLIP", "NPY"))
    parser.add_argument("--coco", nargs=2, type=Path, metavar=("JSON", "PICTURES"))
    parser.add_argument("--joints", action="store_true", help="show every joint's PCK too")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.clip and options.teachers is None:
        parser.error("--clip needs --teachers, whose agreement is what clips are measured against")
    return options


def _figures(options: argparse.Namespace, estimators: list[PoseEstimator]) -> Iterator[Figure]:
    for offset, (name, (motions, variety)) in enumerate(STAGE.items()):
        views = stage_samples(options.stage_views, SEED + offset, motions, variety)
        yield _given_boxes(name, Samples.joined(list(views)), estimators)
    for path in options.clip:
        yield _given_boxes(f"{path.stem}, held-out blocks", _held_out(path, options), estimators)
    if options.dwpose:
        clip, array = options.dwpose
        yield from _against_dwpose(clip, array, estimators)
    if options.coco:
        annotations, pictures = options.coco
        yield from _against_coco(annotations, pictures, estimators)


def _given_boxes(name: str, samples: Samples, estimators: list[PoseEstimator]) -> Figure:
    numbers_N = np.arange(len(samples))
    accuracies = [
        measure_pck(
            estimator.estimate(samples.rgb_NSS3, numbers_N, samples.box_N4).keypoints_MK2,
            samples.keypoints_NK2,
            samples.state_NK == KNOWN,
        )
        for estimator in estimators
    ]
    return Figure(
        name=f"{name} ({len(samples)} views)",
        value_by_model=[one.pck for one in accuracies],
        pck_by_model_K=[one.pck_K for one in accuracies],
    )


def _held_out(path: Path, options: argparse.Namespace) -> Samples:
    """The samples of a clip that `split_held_out` keeps from training, labelled anew."""
    clip = index_clip(path)
    teachers = BlazePose(options.teachers), MoveNet(options.teachers)
    labelled = label_clip(decode(clip, clip.frames), *teachers)
    if labelled is None:
        raise UsageError(f"the teachers agree on nobody in {path}; leave it out")
    _, held_N = split_held_out(labelled.samples.frame_N, len(clip))
    return labelled.samples.at(held_N)


def _against_dwpose(path: Path, array: Path, estimators: list[PoseEstimator]) -> Iterator[Figure]:
    """Given DWPose's boxes, and through the whole pose stage, which finds the person itself."""
    clip = index_clip(path)
    batches = list(decode(clip, clip.frames))
    rgb_NHW3 = np.concatenate([batch.rgb_NHW3 for batch in batches])
    height, width = rgb_NHW3.shape[1:3]
    truth_NK2, known_NK = read_dwpose(array, width, height)
    box_N4 = hull_boxes(truth_NK2, known_NK)
    boxed, whole = [], []
    for estimator in estimators:
        poses = estimator.estimate(rgb_NHW3, np.arange(len(rgb_NHW3)), box_N4)
        boxed.append(measure_pck(poses.keypoints_MK2, truth_NK2, known_NK).pck)
        whole.append(_whole_frames(batches, clip.frames, estimator, truth_NK2, known_NK))
    yield Figure(name=f"{path.stem[:20]} against DWPose", value_by_model=boxed)
    yield Figure(name=f"{path.stem[:20]} against DWPose, whole frames", value_by_model=whole)


def _whole_frames(
    batches: list[FrameBatch],
    frames: FrameRange,
    estimator: PoseEstimator,
    truth_NK2: Floats,
    known_NK: Mask,
) -> float:
    """PCK of the largest person the pose stage finds; a frame without one has no joint right."""
    found = estimate_poses(batches, frames, estimator)
    found_NK2 = np.full_like(truth_NK2, np.inf)
    for index in range(len(truth_NK2)):
        if (here := _largest(found, frames.start + index)) is not None:
            found_NK2[index] = found.keypoints_MK2[here]
    return measure_pck(found_NK2, truth_NK2, known_NK).pck


def _largest(found: Detections, frame: int) -> int | None:
    (here,) = np.nonzero(found.frame_M == frame)
    sizes = np.prod(found.box_M4[here, 2:] - found.box_M4[here, :2], axis=1)
    return int(here[sizes.argmax()]) if len(here) else None


def _against_coco(
    annotations: Path, pictures: Path, estimators: list[PoseEstimator]
) -> Iterator[Figure]:
    """PCK of those whose torso is marked, and COCO's own figures for everybody marked."""
    crowd = read_coco(annotations, pictures)
    truth_MK2 = np.concatenate([people.keypoints_MK2 for people in crowd])
    known_MK = np.concatenate([people.known_MK for people in crowd])
    known_MK &= np.isfinite(torso_lengths(truth_MK2))[:, None]
    pck, oks = [], []
    for estimator in estimators:
        guesses = [guess for people in crowd for guess in _guesses(people, estimator)]
        places_MK2 = np.stack([guess.keypoints_K2 for guess in guesses])
        pck.append(measure_pck(places_MK2, truth_MK2, known_MK).pck)
        oks.append(coco_oks(annotations, guesses))
    name = annotations.stem
    measurable = int(known_MK.any(axis=1).sum())
    yield Figure(name=f"{name} ({measurable} people)", value_by_model=pck)
    people = f"{len(truth_MK2)} people, boxes given"
    precision, recall = [one.average_precision for one in oks], [one.average_recall for one in oks]
    yield Figure(name=f"{name}, OKS AP ({people})", value_by_model=precision)
    yield Figure(name=f"{name}, OKS AR ({people})", value_by_model=recall)


def _guesses(people: People, estimator: PoseEstimator) -> list[Guess]:
    first_M = np.zeros(len(people.box_M4), np.int64)
    poses = estimator.estimate(people.rgb_HW3[None], first_M, people.box_M4)
    return [
        Guess(picture=people.picture, keypoints_K2=place_K2, score=float(sure_K.mean()))
        for place_K2, sure_K in zip(poses.keypoints_MK2, poses.confidence_MK, strict=True)
    ]


def _show_joints(pck_by_model_K: list[Floats]) -> None:
    for joint, name in enumerate(COCO_17.joints):
        print(f"    {name:54s}" + "".join(f"{pck_K[joint]:22.3f}" for pck_K in pck_by_model_K))


if __name__ == "__main__":
    try:
        main()
    except BodyswapError as error:
        sys.exit(str(error))
