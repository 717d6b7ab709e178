"""The door to MMDetection: builds a one-stage detector of its and finds people with it.

It does not know yaml files or poses. mmcv's compiled operators are not needed: the head decodes its
boxes without its own suppression of doubles, which OpenCV then does.

Shape letters: N frames, H rows, W columns, M boxes, 3 = red, green, blue, 4 = x0, y0, x1, y1.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from bodyswap.errors import ModelError
from bodyswap.frames import RGB
from bodyswap.keypoints.openmmlab_import import import_aids
from bodyswap.keypoints.openmmlab_weights import fill_network
from bodyswap.skeleton import Floats

with import_aids():
    import mmdet
    import mmdet.models
    from mmdet.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

_SHIPPED_CONFIGS = Path(mmdet.__file__).parent / ".mim" / "configs"
_PERSON = 0
_PADDING = 114
_LEAST_SCORE = 0.3
_SAME_BOX = 0.6


@dataclass(frozen=True, kw_only=True)
class OneStageDetector:
    """A detector of MMDetection and the size (width, height) its config tests it at."""

    network: nn.Module
    size: tuple[int, int]

    @torch.inference_mode()
    def boxes(self, rgb_HW3: RGB) -> tuple[Floats, Floats]:
        """People's boxes (M, 4) in frame pixels and their scores (M,), the surest first."""
        network = cast("_Network", self.network)
        picture_13HW, scale = self._fitted(rgb_HW3)
        meta: dict[str, object] = {
            "img_shape": (self.size[1], self.size[0]),
            "ori_shape": rgb_HW3.shape[:2],
            "scale_factor": (scale, scale),
        }
        with warnings.catch_warnings():
            # MMDetection calls torch in ways that it warns of, at every frame.
            warnings.simplefilter("ignore")
            outputs = network.bbox_head(network.extract_feat(picture_13HW))
            (seen,) = network.bbox_head.predict_by_feat(
                *outputs, batch_img_metas=[meta], cfg=network.test_cfg, rescale=True, with_nms=False
            )
        is_person_M = seen.labels == _PERSON
        return distinct_boxes(
            seen.bboxes[is_person_M].cpu().numpy(), seen.scores[is_person_M].cpu().numpy()
        )

    def _fitted(self, rgb_HW3: RGB) -> tuple[Tensor, float]:
        """The frame in the top left of a grey picture of the network's size, normalised."""
        width, height = self.size
        scale = min(width / rgb_HW3.shape[1], height / rgb_HW3.shape[0])
        small = (round(rgb_HW3.shape[1] * scale), round(rgb_HW3.shape[0] * scale))
        picture = np.full((height, width, 3), _PADDING, np.uint8)
        picture[: small[1], : small[0]] = cv2.resize(rgb_HW3, small)
        asks = cast("_Network", self.network).data_preprocessor
        if not asks._channel_conversion:
            picture = picture[:, :, ::-1].copy()
        picture_3HW = torch.from_numpy(picture).to(asks.mean.device).permute(2, 0, 1).float()
        return ((picture_3HW - asks.mean) / asks.std)[None], scale


def build_detector_model(
    config: str, weights: Path | None, *, device: torch.device | str
) -> OneStageDetector:
    """The detector of `config` (a name MMDetection ships, or a path); untrained without weights.

    Raises:
        ModelError: there is no such config, it is not one-stage, or the weights do not fit it.
    """
    path = find_config(config)
    init_default_scope("mmdet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = Config.fromfile(str(path))
        settings.model.backbone.init_cfg = None
        network = MODELS.build(settings.model).to(device).eval()
    if not hasattr(getattr(network, "bbox_head", None), "predict_by_feat"):
        raise ModelError(f"MMDetection config '{config}' is not a one-stage detector")
    if weights is not None:
        fill_network(network, weights, config)
    return OneStageDetector(network=network, size=_test_size(settings, config))


def find_config(config: str) -> Path:
    """The file of a config that MMDetection ships, by name, or of the one at that path."""
    given = Path(config)
    if given.is_file():
        return given
    found = sorted(_SHIPPED_CONFIGS.rglob(f"{given.name.removesuffix('.py')}.py"))
    if len(found) != 1:
        raise ModelError(
            f"MMDetection config '{config}' is not there; give a path, or a name of a file under "
            "MMDetection's configs such as rtmdet_m_8xb32-300e_coco"
        )
    return found[0]


def distinct_boxes(box_M4: Floats, score_M: Floats) -> tuple[Floats, Floats]:
    """The boxes sure enough, less those a surer one nearly covers, the surest first."""
    corner_and_size_M4 = np.concatenate([box_M4[:, :2], box_M4[:, 2:] - box_M4[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(corner_and_size_M4.tolist(), score_M.tolist(), _LEAST_SCORE, _SAME_BOX)
    index = np.asarray(kept, np.int64).reshape(-1)
    return box_M4[index].astype(np.float32), score_M[index].astype(np.float32)


class _Seen(Protocol):
    bboxes: Tensor
    scores: Tensor
    labels: Tensor


class _Head(Protocol):
    def __call__(self, features: tuple[Tensor, ...]) -> tuple[list[Tensor], ...]: ...

    def predict_by_feat(
        self,
        *outputs: list[Tensor],
        batch_img_metas: list[dict[str, object]],
        cfg: object,
        rescale: bool,
        with_nms: bool,
    ) -> list[_Seen]: ...


class _Preprocessor(Protocol):
    mean: Tensor
    std: Tensor
    _channel_conversion: bool


class _Network(Protocol):
    """The part of a one-stage detector that is used here."""

    bbox_head: _Head
    data_preprocessor: _Preprocessor
    test_cfg: object

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]: ...


def _test_size(settings: Config, config: str) -> tuple[int, int]:
    for step in settings.get("test_pipeline", []):
        if step["type"] == "Resize" and "scale" in step:
            return int(step["scale"][0]), int(step["scale"][1])
    raise ModelError(f"MMDetection config '{config}' names no size to test at")
