"""Two published pose models that label footage: BlazePose (also masks people) and MoveNet.

It does not know clips or training: one square view of a frame in, one guess out. Both models run
from files the user names, through the optional extra `teachers`.

Shape letters: H rows, W columns, S the side of a square view, K the 17 COCO joints, 2 = x, y.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.errors import ModelError, UsageError
from bodyswap.frames import RGB, Matte
from bodyswap.skeleton import Floats

COCO_OF_BLAZEPOSE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
_BLAZEPOSE_SIDE = 256
_DETECTOR_SIDE = 224
_MOVENET_SIDE = 192


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One teacher's opinion of one person: joints in frame pixels, confidence in [0, 1]."""

    keypoints_K2: Floats
    confidence_K: Floats


@dataclass(frozen=True, kw_only=True)
class Region:
    """A square of a frame, turned by `angle` radians about its centre."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, view_side: int) -> npt.NDArray[np.float64]:
        """The 2x3 affine map from frame pixels to a view of `view_side` pixels."""
        scale = view_side / self.side
        cos, sin = scale * np.cos(-self.angle), scale * np.sin(-self.angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        offset = view_side / 2 - turn @ np.array([self.x, self.y])
        return np.concatenate([turn, offset[:, None]], axis=1)


class BlazePose:
    """BlazePose heavy with its region detector (Bazarevsky et al., 2020), from two tflite files."""

    def __init__(self, weights: Path) -> None:
        self._detector = _Interpreter(weights / "pose_detection.tflite")
        self._landmarks = _Interpreter(weights / "pose_landmark_heavy.tflite")
        self._anchors = _detector_anchors()

    def find(self, rgb_HW3: RGB) -> Region | None:
        """The square around the most certain person, or None where nobody is seen."""
        height, width = rgb_HW3.shape[:2]
        square = Region(x=width / 2, y=height / 2, side=float(max(height, width)))
        view = _view(rgb_HW3, square, _DETECTOR_SIDE).astype(np.float32) / 127.5 - 1.0
        boxes, scores = self._detector.run(view)
        best = int(scores[0, :, 0].argmax())
        if scores[0, best, 0] < 0.0:
            return None
        points = boxes[0, best, 4:8].reshape(2, 2) / _DETECTOR_SIDE + self._anchors[best]
        (x, y), (edge_x, edge_y) = points * square.side + (
            square.x - square.side / 2,
            square.y - square.side / 2,
        )
        return _upright_region(x, y, edge_x, edge_y)

    def guess(self, rgb_HW3: RGB, region: Region) -> tuple[Guess, Matte, Region]:
        """Joints, the person's mask over the frame, and a region fitted closer to the person."""
        view = _view(rgb_HW3, region, _BLAZEPOSE_SIDE).astype(np.float32) / 255.0
        outputs = self._landmarks.run(view)
        raw = next(output for output in outputs if output.shape == (1, 195)).reshape(39, 5)
        mask = next(output for output in outputs if output.shape == (1, 256, 256, 1))[0, :, :, 0]
        back = cv2.invertAffineTransform(region.matrix(_BLAZEPOSE_SIDE))
        points = raw[:, :2] @ back[:, :2].T + back[:, 2]
        joints = list(COCO_OF_BLAZEPOSE)
        guess = Guess(
            keypoints_K2=points[joints].astype(np.float32),
            confidence_K=_sigmoid(np.minimum(raw[joints, 3], raw[joints, 4])),
        )
        size = (rgb_HW3.shape[1], rgb_HW3.shape[0])
        matte = cv2.warpAffine(_sigmoid(mask), back, size, flags=cv2.INTER_LINEAR)
        (x, y), (edge_x, edge_y) = points[33], points[34]
        return guess, matte.astype(np.float32), _upright_region(x, y, edge_x, edge_y)


class MoveNet:
    """MoveNet Lightning, COCO-17 directly, from an ONNX file."""

    def __init__(self, weights: Path) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise _missing_extra("onnxruntime") from error
        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = _present(weights / "movenet_lightning_from_tfjs.onnx")
        self._session = onnxruntime.InferenceSession(str(path), options)

    def guess(self, rgb_HW3: RGB, region: Region) -> Guess:
        """Joints of the person who fills the upright square of `region`."""
        upright = Region(x=region.x, y=region.y, side=region.side)
        view = _view(rgb_HW3, upright, _MOVENET_SIDE).astype(np.int32)[None]
        output = self._session.run(None, {"input": view})[0].reshape(17, 3)
        corner = np.array([upright.x, upright.y]) - upright.side / 2
        points = output[:, 1::-1] * upright.side + corner
        return Guess(
            keypoints_K2=points.astype(np.float32), confidence_K=output[:, 2].astype(np.float32)
        )


class _Interpreter:
    """A tflite file, run on one float image."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise _missing_extra("ai-edge-litert") from error
        self._interpreter = Interpreter(str(_present(path)), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [item["index"] for item in self._interpreter.get_output_details()]

    def run(self, view_SS3: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        self._interpreter.set_tensor(self._input, view_SS3[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def _present(path: Path) -> Path:
    if not path.is_file():
        raise ModelError(f"teacher weights {path} are not there; see the card of the pose model")
    return path


def _missing_extra(package: str) -> UsageError:
    return UsageError(
        f"{package} is not installed; labelling needs it: pip install -e '.[teachers]'"
    )


def _view(rgb_HW3: RGB, region: Region, side: int) -> RGB:
    """The region as an upright square of `side` pixels, black beyond the frame."""
    return np.asarray(
        cv2.warpAffine(rgb_HW3, region.matrix(side), (side, side), flags=cv2.INTER_LINEAR)
    )


def _upright_region(x: float, y: float, edge_x: float, edge_y: float) -> Region:
    """The region whose centre is x, y and whose upper side looks at the edge point."""
    reach = float(np.hypot(edge_x - x, edge_y - y))
    angle = np.pi / 2 - np.arctan2(-(edge_y - y), edge_x - x)
    wrapped = float((angle + np.pi) % (2 * np.pi) - np.pi)
    return Region(x=float(x), y=float(y), side=2.5 * max(reach, 1.0), angle=wrapped)


def _detector_anchors() -> npt.NDArray[np.float64]:
    """Centres, in [0, 1], of the detector's 2,254 anchors."""
    rows = []
    for cells, per_cell in ((28, 2), (14, 2), (7, 6)):
        line = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
        rows.append(np.repeat(grid, per_cell, axis=0))
    return np.concatenate(rows)


def _sigmoid(x: npt.NDArray[np.float32]) -> Floats:
    return (1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))).astype(np.float32)
