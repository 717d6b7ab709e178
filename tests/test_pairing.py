"""A pose model and a subject of different joints are refused before any work is done."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import PoseSettings, RenderSettings
from bodyswap.errors import ModelError, SubjectError
from bodyswap.keypoints.estimator import read_spec
from bodyswap.nets.checkpoint import load_card
from bodyswap.passes.pairing import check_pose_model, models_of
from bodyswap.passes.shot_inputs import ShotInputs
from bodyswap.people import Detections
from bodyswap.pipeline import Pipeline
from bodyswap.skeleton import SKELETONS
from bodyswap.stage.cast import REX
from bodyswap.subjects import packaged_subjects
from cluster.asking.submit import JobRequest, submit
from cluster.jobs.inspection import FileInspector
from cluster.stores.local import LocalStore
from tests.media.clips import pictures, write_clip
from tests.motions_on_stage import stage_poses
from tests.whole_people import as_skeleton

VEGA = packaged_subjects()["vega"]
BOTH_AND_A_WAY_OUT = (
    r"'rtmw-l' gives skeleton 'coco-wholebody-133'.*'vega' was trained on 'coco-17'"
    r".*rtmpose-t-bodyswap.*train the subject anew"
)


def test_every_shipped_pose_model_fits_subjects_of_its_own_skeleton_only() -> None:
    card = load_card(VEGA)
    for name in SKELETONS:
        assert models_of(name), f"no pose model for {name}"
        for model in models_of(name):
            assert read_spec(model).skeleton == name
            if name == card.skeleton:
                check_pose_model(model, card)
            else:
                with pytest.raises(SubjectError, match=f"'{name}'.*'coco-17'"):
                    check_pose_model(model, card)


def test_the_error_names_both_skeletons_and_what_to_do() -> None:
    with pytest.raises(SubjectError, match=BOTH_AND_A_WAY_OUT):
        check_pose_model("rtmw-l", load_card(VEGA))


@pytest.mark.parametrize(
    ("model", "kind", "told"),
    [("rtmw-l", SubjectError, BOTH_AND_A_WAY_OUT), ("rtmpose-z", ModelError, "'rtmpose-z'")],
)
def test_a_job_that_cannot_work_is_refused_when_submitted_and_leaves_nothing(
    model: str, kind: type[Exception], told: str, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "store")
    plate = write_clip(tmp_path / "plate.mp4", pictures(4))
    settings = RenderSettings(pose=PoseSettings(model=model))
    request = JobRequest(plate=plate, subject=str(VEGA), settings=settings)
    with pytest.raises(kind, match=told):
        submit(store, request, FileInspector(), now_s=0.0)
    assert list(store.list_keys("")) == []


def test_a_subject_that_is_only_in_the_store_is_asked_too(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    plate = write_clip(tmp_path / "plate.mp4", pictures(4))
    folder = tmp_path / "mara"
    folder.mkdir()
    for file in VEGA.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = (folder / "card.yaml").read_text()
    (folder / "card.yaml").write_text(card.replace("subject: vega", "subject: mara"))
    submit(store, JobRequest(plate=plate, subject=str(folder)), FileInspector(), now_s=0.0)
    for file in folder.iterdir():
        file.unlink()
    settings = RenderSettings(pose=PoseSettings(model="rtmpose-m-halpe26"))
    request = JobRequest(plate=plate, subject="mara", settings=settings)
    with pytest.raises(SubjectError, match=r"'halpe-26'.*'mara' was trained on 'coco-17'"):
        submit(store, request, FileInspector(), now_s=1.0)


@pytest.mark.parametrize("name", ["halpe-26", "coco-wholebody-133"])
def test_detections_of_another_skeleton_are_refused_by_the_solve_step(
    name: str, tmp_path: Path
) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures(4))
    poses = as_skeleton(stage_poses(REX, "walk", size=64), SKELETONS[name])
    keypoints = poses.keypoints_NK2[:4]
    seen = Detections(
        skeleton=poses.skeleton,
        frames=replace(poses.frames, stop=4),
        frame_M=np.arange(4),
        keypoints_MK2=keypoints,
        confidence_MK=poses.confidence_NK[:4],
        box_M4=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], 1),
    )
    shot = ShotInputs(plate=plate, subject=VEGA, settings=RenderSettings(device="cpu"))
    with pytest.raises(SubjectError, match=f"skeleton '{name}'"):
        Pipeline().solve_shot(seen, shot, seen.frames)
