"""Annotations others published, to measure a pose model against: COCO's files and DWPose's arrays.

It does not know models. What is read here is never trained on.

Shape letters: N frames, M people, K the 17 COCO joints, 2 = x and y, 4 = x0, y0, x1, y1 (pixels).
"""

import contextlib
import io
import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.keypoints.boxes import pose_box
from bodyswap.people import Mask
from bodyswap.skeleton import Floats

COCO_OF_OPENPOSE = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
"""Where COCO's joints lie among the 18 of OpenPose that DWPose writes."""
_NUMPY_ONLY = {"_reconstruct", "ndarray", "dtype", "scalar"}


@dataclass(frozen=True, kw_only=True)
class People:
    """The people of one picture as its annotator saw them; unmarked joints are nan."""

    picture: int
    rgb_HW3: RGB
    box_M4: Floats
    keypoints_MK2: Floats
    known_MK: Mask


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A model's pose of one person of a picture."""

    picture: int
    keypoints_K2: Floats
    score: float


@dataclass(frozen=True, kw_only=True)
class Oks:
    """COCO's figures over object keypoint similarity 0.50 to 0.95."""

    average_precision: float
    average_recall: float


def read_coco(annotations: Path, pictures: Path) -> list[People]:
    """Everybody with a marked joint, picture by picture, in the order of the file.

    Raises:
        UsageError: the file is not COCO's kind, or a picture is missing.
    """
    content = json.loads(annotations.read_text())
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        raise UsageError(f"{annotations} holds no COCO annotations: no images, no annotations")
    return [people for one in content["images"] if (people := _people(one, content, pictures))]


def read_dwpose(path: Path, width: int, height: int) -> tuple[Floats, Mask]:
    """DWPose's first person of every frame (N, K, 2), and which joints it found (N, K).

    Raises:
        UsageError: the file is not an array of DWPose's records.
    """
    try:
        records_N = _load_objects(path)
        keypoints = [record["bodies"]["candidate"][:18] for record in records_N]
        found = [record["bodies"]["subset"][0][:18] for record in records_N]
    except (pickle.UnpicklingError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UsageError(f"{path} is not an array of DWPose's records: {error}") from error
    chosen = list(COCO_OF_OPENPOSE)
    keypoints_NK2 = np.stack(keypoints)[:, chosen] * [width, height]
    return keypoints_NK2.astype(np.float32), np.stack(found)[:, chosen] >= 0


def hull_boxes(keypoints_NK2: Floats, known_NK: Mask) -> Floats:
    """The box around each person's known joints, grown to take in hair, hands and feet."""
    pairs = zip(keypoints_NK2, known_NK.astype(np.float32), strict=True)
    return np.stack([pose_box(keypoints_K2, known_K) for keypoints_K2, known_K in pairs])


def coco_oks(annotations: Path, guesses: list[Guess]) -> Oks:
    """COCO's own evaluation (pycocotools) of guesses for the pictures of `annotations`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        category = truth.getCatIds(catNms=["person"])[0]
        found = truth.loadRes([_result(guess, category) for guess in guesses])
        evaluation = COCOeval(truth, found, "keypoints")
        evaluation.params.imgIds = sorted({guess.picture for guess in guesses})
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return Oks(
        average_precision=float(evaluation.stats[0]), average_recall=float(evaluation.stats[5])
    )


def _people(
    image: dict[str, object], content: dict[str, list[dict[str, object]]], folder: Path
) -> People | None:
    marked = [
        one
        for one in content["annotations"]
        if one["image_id"] == image["id"] and one.get("num_keypoints") and not one.get("iscrowd")
    ]
    if not marked:
        return None
    path = folder / str(image["file_name"])
    picture = cv2.imread(str(path))
    if picture is None:
        raise UsageError(f"picture {path} is missing or cannot be read")
    corner_size_M4 = np.array([one["bbox"] for one in marked], np.float32)
    joints_MK3 = np.array([one["keypoints"] for one in marked], np.float32).reshape(-1, 17, 3)
    return People(
        picture=int(str(image["id"])),
        rgb_HW3=np.ascontiguousarray(picture[:, :, ::-1]).astype(np.uint8),
        box_M4=np.concatenate(
            [corner_size_M4[:, :2], corner_size_M4[:, :2] + corner_size_M4[:, 2:]], axis=1
        ),
        keypoints_MK2=np.where(joints_MK3[..., 2:] > 0, joints_MK3[..., :2], np.nan),
        known_MK=joints_MK3[..., 2] > 0,
    )


def _result(guess: Guess, category: int) -> dict[str, object]:
    joints_K3 = np.concatenate([guess.keypoints_K2, np.ones((17, 1))], axis=1)
    return {
        "image_id": guess.picture,
        "category_id": category,
        "keypoints": joints_K3.ravel().tolist(),
        "score": guess.score,
    }


def _load_objects(path: Path) -> npt.NDArray[np.object_]:
    """An array of objects out of a .npy file, which is a pickle: only numpy's own are let in."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, _, kind = (
            read(file) if version == (1, 0) else np.lib.format.read_array_header_2_0(file)
        )
        if not kind.hasobject or len(shape) != 1:
            raise ValueError(f"its array is {kind} {shape}, not a row of objects")
        return np.asarray(_NumpyUnpickler(file).load(), dtype=object)


class _NumpyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if module.partition(".")[0] == "numpy" and name in _NUMPY_ONLY:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in an array")
