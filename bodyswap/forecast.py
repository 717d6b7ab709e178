"""Forecast: where a surveyed shot asks a subject for poses they were not filmed in.

    performer's poses -> retargeted -> risk against the subject's index -> coverage.png and .json

It does not know how people were found, nor renders anything.
"""

import json
from pathlib import Path

from bodyswap.config import SolveSettings
from bodyswap.errors import SubjectError
from bodyswap.nets.checkpoint import load_card, read_beside
from bodyswap.passes.fitting import plate_shape
from bodyswap.people import PoseSequence
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.coverage import INDEX_FILE, CoverageIndex, coco_joints
from bodyswap.quality.coverage_picture import DrivingPose, draw_coverage
from bodyswap.quality.risk import Risk, assess
from bodyswap.quality.skeleton_picture import draw_skeleton
from bodyswap.solve import as_subject
from bodyswap.survey import Survey, picture_at

PICTURE = "coverage.png"
REPORT = "coverage.json"


def forecast(survey: Survey, subject: Path, out: Path, *, settings: SolveSettings) -> Risk:
    """Judge the surveyed poses against the subject in this folder, and write it into `out`.

    Raises:
        SubjectError: the subject has another skeleton, or no index of their poses.
    """
    index = read_index(subject)
    card = load_card(subject)
    performer = survey.performer
    if performer.skeleton.name != card.skeleton:
        raise SubjectError(
            f"the plate was posed with skeleton {performer.skeleton.name}, but subject"
            f" '{card.name}' was trained on {card.skeleton}; name a pose model of that one"
        )
    shape = plate_shape(survey.clip)
    poses = as_subject(
        performer, survey.camera_N33, plate=shape, stance=card.stance, settings=settings
    )
    risk = assess(poses, index, rate=shape.rate, first_number=shape.first_number)
    picture = draw_coverage(risk, index, lambda frame: _driving(survey, poses, frame))
    write_picture(picture, out / PICTURE)
    (out / REPORT).write_text(json.dumps(risk.to_dict(), indent=1) + "\n")
    return risk


def read_index(subject: Path) -> CoverageIndex:
    """The index of the poses that the subject in this folder was trained on.

    Raises:
        SubjectError: they have none, or it is damaged.
    """
    data = read_beside(subject, INDEX_FILE)
    if data is None:
        raise SubjectError(
            f"subject '{subject}' was trained before the poses were kept that it is learnt in; the"
            f" same `bodyswap train` command again adds {INDEX_FILE}"
        )
    return CoverageIndex.from_bytes(data)


def _driving(survey: Survey, poses: PoseSequence, frame: int) -> DrivingPose:
    row = frame - poses.frames.start
    performer = survey.performer
    keypoints_NK2, confidence_NK = coco_joints(poses)
    return DrivingPose(
        picture_HW3=draw_skeleton(
            picture_at(survey.clip, frame),
            performer.keypoints_NK2[row],
            performer.confidence_NK[row],
            performer.skeleton,
        ),
        keypoints_K2=keypoints_NK2[row],
        confidence_K=confidence_NK[row],
    )
