"""Pose estimators: what the pose stage asks of one, and how one is built from its yaml file.

It does not know MMPose, whose door is opened only when an estimator is built.

Shape letters: N frames, H rows, W columns, M people (over all frames), K joints, 3 = red, green,
blue, 2 = x and y, 4 = x0, y0, x1, y1 (frame pixels).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import torch
import yaml

from bodyswap.config import EngineName
from bodyswap.device import on_device
from bodyswap.engines.engine import chosen_engine
from bodyswap.errors import ModelError
from bodyswap.frames import RGB
from bodyswap.keypoints.crops import cut_crops, fit_regions, to_frame
from bodyswap.keypoints.weights import Fetch, download, find_weights
from bodyswap.skeleton import Floats, Skeleton, find_skeleton

if TYPE_CHECKING:
    from bodyswap.keypoints.mmpose_door import TopDownModel

_CROPS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Poses:
    """One pose for each box asked about."""

    keypoints_MK2: Floats
    confidence_MK: Floats


class PoseEstimator(Protocol):
    """Places the joints of the person in each box."""

    @property
    def skeleton(self) -> Skeleton: ...

    @property
    def aspect(self) -> float:
        """Width over height of the pictures it sees."""
        ...

    def estimate(
        self,
        rgb_NHW3: RGB,
        frame_M: npt.NDArray[np.int64],
        box_M4: Floats,
        turn_M: Floats | None = None,
        *,
        closely: bool = False,
    ) -> Poses:
        """The pose in each box; `frame_M` says which of the frames the box lies in.

        A box is first turned by `turn_M` (radians, clockwise in the picture) about its centre, and
        what it then holds is seen upright; joints come in frame pixels all the same. `closely`:
        with all the means the estimator has, such as a look at the mirror image.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class PoseModelSpec:
    """A file of configs/pose.

    `config` is a config MMPose ships, by name, or a path to one. `joints` picks the skeleton's
    joints, in its order, out of a model that knows more; left out, the model has just those.
    """

    config: str
    weights: str
    skeleton: str = "coco-17"
    sha256: str | None = None
    joints: tuple[int, ...] | None = None
    folder: Path = Path()


def build_estimator(
    name: str,
    device: torch.device | str,
    *,
    flip: bool = False,
    engine: EngineName = EngineName.EAGER,
    fetch: Fetch = download,
) -> PoseEstimator:
    """The estimator called `name` in configs/pose, or the one a yaml file at that path describes.

    Raises:
        ModelError: there is none, its weights cannot be had, or they do not fit its config.
        IntegrityError: its weights are not the ones the yaml names.
        EngineError: the engine cannot be had, or cannot run the model.
    """
    spec = read_spec(name)
    skeleton = find_skeleton(spec.skeleton)
    path = find_weights(spec.weights, sha256=spec.sha256, folder=spec.folder, fetch=fetch)
    from bodyswap.keypoints.mmpose_door import build_model, load_weights

    model = build_model(_config_of(spec), device=device)
    joints = _chosen_joints(spec, skeleton, model.joint_count)
    load_weights(model, path, spec.config)
    chosen = chosen_engine(engine, torch.device(device))
    return TopDownEstimator(
        model.for_inference(chosen), skeleton, joints, torch.device(device), flip=flip
    )


def read_spec(name: str, kind: str = "pose") -> PoseModelSpec:
    """The description of the model called `name` in configs/`kind`, or at the path `name`."""
    path = _find_spec(name, kind)
    content = yaml.safe_load(path.read_text())
    known = {field.name for field in fields(PoseModelSpec)} - {"folder"}
    if not isinstance(content, dict) or not {"config", "weights"} <= set(content):
        raise ModelError(f"{path} must name at least a config and its weights")
    if unknown := sorted(set(content) - known):
        raise ModelError(f"{path} has unknown keys {', '.join(unknown)}; known: {sorted(known)}")
    joints = content.pop("joints", None)
    return PoseModelSpec(**content, joints=joints and tuple(joints), folder=path.parent)


def spec_folder(kind: str = "pose") -> Path:
    """configs/`kind`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "configs" / kind
    return inside if inside.is_dir() else package.parent / "configs" / kind


class TopDownEstimator:
    """A top-down MMPose model, over many boxes of many frames at once."""

    def __init__(
        self,
        model: TopDownModel,
        skeleton: Skeleton,
        joints: tuple[int, ...],
        device: torch.device,
        *,
        flip: bool = False,
    ) -> None:
        self._model, self._skeleton, self._device = model, skeleton, device
        self._joints, self._flip = list(joints), flip
        self._mirrored = _mirrored_joints(skeleton, joints, model.joint_count)

    @property
    def skeleton(self) -> Skeleton:
        return self._skeleton

    @property
    def aspect(self) -> float:
        return self._model.preprocessing.width / self._model.preprocessing.height

    def estimate(
        self,
        rgb_NHW3: RGB,
        frame_M: npt.NDArray[np.int64],
        box_M4: Floats,
        turn_M: Floats | None = None,
        *,
        closely: bool = False,
    ) -> Poses:
        joints = len(self._joints)
        keypoints = [np.zeros((0, joints, 2), np.float32)]
        confidence = [np.zeros((0, joints), np.float32)]
        frames = torch.from_numpy(np.ascontiguousarray(rgb_NHW3)).to(self._device)
        turn_M = np.zeros(len(box_M4), np.float32) if turn_M is None else turn_M
        for start in range(0, len(box_M4), _CROPS_AT_ONCE):
            part = slice(start, start + _CROPS_AT_ONCE)
            with on_device(self._device):
                poses = self._estimate_part(
                    frames, frame_M[part], box_M4[part], turn_M[part], closely
                )
            keypoints.append(poses.keypoints_MK2)
            confidence.append(poses.confidence_MK)
        return Poses(
            keypoints_MK2=np.concatenate(keypoints), confidence_MK=np.concatenate(confidence)
        )

    @torch.inference_mode()
    def _estimate_part(
        self,
        frames: torch.Tensor,
        frame_M: npt.NDArray[np.int64],
        box_M4: Floats,
        turn_M: Floats,
        closely: bool,
    ) -> Poses:
        asks = self._model.preprocessing
        size = {"width": asks.width, "height": asks.height}
        boxes = torch.from_numpy(box_M4.astype(np.float32)).to(self._device)
        turns = torch.from_numpy(turn_M.astype(np.float32)).to(self._device)
        regions = fit_regions(boxes, turns, padding=asks.padding, **size)
        picked = torch.from_numpy(frame_M.astype(np.int64)).to(self._device)
        crops_B3HW = cut_crops(frames, picked, regions, uses_udp=asks.uses_udp, **size)
        mirrored = self._mirrored if closely and self._flip else ()
        places_BK2, score_BK = self._model.predict(crops_B3HW, mirrored)
        in_frame_BK2 = to_frame(places_BK2, regions, **size)
        return Poses(
            keypoints_MK2=in_frame_BK2[:, self._joints].cpu().numpy().astype(np.float32),
            confidence_MK=score_BK[:, self._joints].clamp(0.0, 1.0).cpu().numpy(),
        )


def _find_spec(name: str, kind: str) -> Path:
    given = Path(name)
    if given.suffix in (".yaml", ".yml"):
        if given.is_file():
            return given
        raise ModelError(f"{kind} model file {given} is not there")
    path = spec_folder(kind) / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in spec_folder(kind).glob("*.yaml")))
        raise ModelError(f"{kind} model '{name}' is unknown; known: {known}; or give a .yaml file")
    return path


def _config_of(spec: PoseModelSpec) -> str:
    """A config beside the yaml where there is one of that name, else the name itself."""
    beside = spec.folder / spec.config
    return str(beside) if beside.is_file() else spec.config


def _chosen_joints(spec: PoseModelSpec, skeleton: Skeleton, available: int) -> tuple[int, ...]:
    chosen = spec.joints or tuple(range(available))
    if len(chosen) != len(skeleton.joints) or max(chosen) >= available:
        raise ModelError(
            f"config {spec.config} has {available} joints, of which {len(chosen)} are used, where "
            f"skeleton {skeleton.name} has {len(skeleton.joints)}; list the skeleton's joints in "
            "its order as `joints`, or name another skeleton"
        )
    return chosen


def _mirrored_joints(skeleton: Skeleton, joints: tuple[int, ...], available: int) -> list[int]:
    """The mirror image of each joint of the model; of those outside the skeleton, themselves."""
    mirrored = list(range(available))
    for joint, other in zip(joints, skeleton.mirrored, strict=True):
        mirrored[joint] = joints[other]
    return mirrored
