"""The door to OpenMMLab: builds any MMPose top-down model and reads its checkpoints.

It does not know frames, boxes or yaml files; only this file imports MMPose.

Shape letters: B crops, H rows, W columns, K joints, 3 = red, green, blue, 2 = x, y in crop pixels.
"""

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bodyswap.config import EngineName
from bodyswap.engines.engine import Engine, build_engine
from bodyswap.engines.proof import ProvenEngine, Tolerance
from bodyswap.errors import ModelError
from bodyswap.keypoints.openmmlab_import import import_aids
from bodyswap.keypoints.openmmlab_weights import fill_network

with import_aids():
    import mmdet.models  # noqa: F401 - RTMPose's backbones are registered by it
    import mmpose
    import mmpose.models
    from mmcv.cnn import fuse_conv_bn
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmpose.codecs import SimCCLabel
    from mmpose.registry import MODELS
    from mmpose.structures import PoseDataSample

_SHIPPED_CONFIGS = Path(mmpose.__file__).parent / ".mim" / "configs"
TOLERANCE = Tolerance(mean=1e-4, most=1e-3)
"""Of scores of about 0 to 1: so near that the highest bin is another only where two are equal."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What the config says must happen to a box before the network sees it."""

    width: int
    height: int
    padding: float
    uses_udp: bool


@dataclass(frozen=True, kw_only=True)
class TopDownModel:
    """A network of MMPose with what is needed to feed it and to read its answer.

    With `engine`, that runs it, from crops in 0 to 255 on.
    """

    network: nn.Module
    preprocessing: Preprocessing
    joint_count: int
    engine: Engine | None = None

    @torch.inference_mode()
    def predict(self, crops_B3HW: Tensor, mirrored: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
        """Joints (B, K, 2) in crop pixels and raw scores (B, K) for RGB crops in 0 to 255.

        With `mirrored`, the mirror image of each joint, the mean of the crops and of their mirror
        images is read: MMPose's flip_test.
        """
        if self._split_ratio is None:
            return self._predict_by_head(self.normalised(crops_B3HW), mirrored)
        run = self.engine or _HeadOutputs(self)
        x_BKX, y_BKY = run(crops_B3HW)
        if mirrored:
            order = list(mirrored)
            flip_x_BKX, flip_y_BKY = run(crops_B3HW.flip(-1))
            x_BKX = (x_BKX + flip_x_BKX[:, order].flip(-1)) / 2
            y_BKY = (y_BKY + flip_y_BKY[:, order]) / 2
        return read_simcc(x_BKX, y_BKY, self._split_ratio)

    def head_outputs(self, inputs_B3HW: Tensor) -> tuple[Tensor, ...]:
        """What the head says of normalised crops before its codec reads it, for training."""
        network = self._typed
        with _without_warnings():
            return network.head.forward(network.extract_feat(inputs_B3HW))

    def normalised(self, crops_B3HW: Tensor) -> Tensor:
        """RGB crops in 0 to 255 as the network wants them: its colour order, mean and deviation."""
        network = self._typed
        if not network.data_preprocessor._channel_conversion:
            crops_B3HW = crops_B3HW.flip(1)
        return (crops_B3HW - network.data_preprocessor.mean) / network.data_preprocessor.std

    def for_inference(self, engine: EngineName = EngineName.EAGER) -> "TopDownModel":
        """The same model with each batch norm folded into its convolution: it cannot be trained.

        A SimCC head's model is run by `engine`, any other by PyTorch.
        """
        fused = replace(self, network=fuse_conv_bn(copy.deepcopy(self.network)).eval())
        if engine is EngineName.EAGER or self._split_ratio is None:
            return fused
        asks, device = self.preprocessing, self._typed.data_preprocessor.mean.device
        example_B3HW = torch.zeros(2, 3, asks.height, asks.width, device=device)
        network = _HeadOutputs(fused)
        built = build_engine(engine, network, (example_B3HW,))
        return replace(fused, engine=ProvenEngine(engine, built, network, TOLERANCE))

    @property
    def _typed(self) -> "_Network":
        return cast("_Network", self.network)

    @property
    def _split_ratio(self) -> float | None:
        """Bins a pixel where the head says where joints are by SimCC alone; None for others."""
        decoder = self._typed.head.decoder
        if not isinstance(decoder, SimCCLabel) or decoder.use_dark:
            return None
        return float(cast("_SimCC", decoder).simcc_split_ratio)

    def _predict_by_head(
        self, inputs_B3HW: Tensor, mirrored: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Whatever the head is: by its own decoding, on the processor, one crop after another."""
        network = self._typed
        with _without_warnings():
            features = network.extract_feat(inputs_B3HW)
            settings = dict(network.test_cfg or {}) | {"flip_test": bool(mirrored)}
            settings.pop("output_heatmaps", None)
            seen: list[object] = [PoseDataSample(metainfo={"flip_indices": list(mirrored)})]
            both = [features, network.extract_feat(inputs_B3HW.flip(-1))] if mirrored else features
            instances = network.head.predict(both, seen * len(inputs_B3HW), test_cfg=settings)
        keypoints = np.stack([np.asarray(item.keypoints)[0, :, :2] for item in instances])
        scores = np.stack([np.asarray(item.keypoint_scores)[0] for item in instances])
        device = inputs_B3HW.device
        return (
            torch.from_numpy(keypoints.astype(np.float32)).to(device),
            torch.from_numpy(scores.astype(np.float32)).to(device),
        )


class _HeadOutputs(nn.Module):
    """From crops in 0 to 255 to what the head says, as a module that engines can take."""

    def __init__(self, model: TopDownModel) -> None:
        super().__init__()
        self._model, self.network = model, model.network

    def forward(self, crops_B3HW: Tensor) -> tuple[Tensor, ...]:
        return self._model.head_outputs(self._model.normalised(crops_B3HW))


def read_simcc(x_BKX: Tensor, y_BKY: Tensor, split_ratio: float) -> tuple[Tensor, Tensor]:
    """Places (B, K, 2) in crop pixels and scores (B, K), as MMPose's get_simcc_maximum reads them.

    A joint is where both distributions are highest, and is as sure as the lower of the two; where
    that is not above zero there is no joint, which MMPose says by a place before the first bin.
    """
    (x_BK, column_BK), (y_BK, row_BK) = x_BKX.max(dim=-1), y_BKY.max(dim=-1)
    score_BK = torch.minimum(x_BK, y_BK)
    place_BK2 = torch.stack([column_BK, row_BK], dim=-1).float()
    place_BK2 = torch.where(score_BK[..., None] > 0, place_BK2, -1.0) / split_ratio
    return place_BK2, score_BK


def build_model(config: str, *, device: torch.device | str) -> TopDownModel:
    """The untrained model of `config`: the name of a config MMPose ships, or a path to one.

    Raises:
        ModelError: there is no such config, or it is not a top-down pose model.
    """
    settings = _read_config(config)
    init_default_scope("mmpose")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = MODELS.build(settings.model).to(device).eval()
    return TopDownModel(
        network=network,
        preprocessing=_preprocessing(settings, config),
        joint_count=_joint_count(network),
    )


def load_weights(model: TopDownModel, path: Path, config: str) -> None:
    """Fill the model from a .safetensors file or an mmengine checkpoint.

    Raises:
        ModelError: the file cannot be read safely, or its tensors do not fit the config.
    """
    fill_network(model.network, path, config)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """mmdet's attention layers call an API that torch renamed, at every frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


class _Instance(Protocol):
    keypoints: npt.NDArray[np.float32]
    keypoint_scores: npt.NDArray[np.float32]


class _SimCC(Protocol):
    simcc_split_ratio: float


class _Head(Protocol):
    out_channels: int
    decoder: object

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]: ...

    def predict(
        self,
        feats: tuple[Tensor, ...] | list[tuple[Tensor, ...]],
        samples: list[object],
        test_cfg: dict[str, object],
    ) -> list[_Instance]: ...


class _Preprocessor(Protocol):
    mean: Tensor
    std: Tensor
    _channel_conversion: bool


class _Network(Protocol):
    """The part of a TopdownPoseEstimator that is used here."""

    head: _Head
    data_preprocessor: _Preprocessor
    test_cfg: Mapping[str, object] | None

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]: ...


def _read_config(config: str) -> Config:
    path = _find_config(config)
    try:
        settings = Config.fromfile(str(path))
    except (OSError, SyntaxError, KeyError, ValueError) as error:
        raise ModelError(f"MMPose config {path} cannot be read: {error}") from error
    model = settings.get("model")
    if model is None or model.get("type") != "TopdownPoseEstimator":
        kind = "no model" if model is None else f"a {model.get('type')}"
        raise ModelError(f"MMPose config {path.name} holds {kind}; choose a top-down pose config")
    model.backbone.init_cfg = None
    return settings


def _find_config(config: str) -> Path:
    given = Path(config)
    if given.is_file():
        return given
    name = given.name if given.suffix == ".py" else f"{given.name}.py"
    found = sorted(_SHIPPED_CONFIGS.rglob(name))
    if len(found) != 1:
        what = "no such config" if not found else f"{len(found)} configs of that name"
        raise ModelError(
            f"MMPose config '{config}': {what}; give a path, or a name of a file under "
            "MMPose's configs such as rtmpose-m_8xb256-420e_coco-256x192"
        )
    return found[0]


def _joint_count(network: nn.Module) -> int:
    return int(cast("_Network", network).head.out_channels)


def _preprocessing(settings: Config, config: str) -> Preprocessing:
    codec = settings.model.head.get("decoder") or settings.get("codec")
    pipeline = {step["type"]: step for step in settings.get("val_pipeline", [])}
    affine = pipeline.get("TopdownAffine", {})
    size = affine.get("input_size") or (codec and codec.get("input_size"))
    if size is None:
        raise ModelError(f"MMPose config '{config}' names no input size for its crops")
    return Preprocessing(
        width=int(size[0]),
        height=int(size[1]),
        padding=float(pipeline.get("GetBBoxCenterScale", {}).get("padding", 1.25)),
        uses_udp=bool(affine.get("use_udp", False)),
    )
