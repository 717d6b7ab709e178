"""Segmenter: a network of somebody's own that tells what of a frame is the performer.

    replacing.segmenter=person.onnx     replacing.segmenter_sha256=…   that very file, or none

The contract, of an ONNX file of any maker:

    input 0    float32, 1 x 3 x H x W: red, green, blue in [0, 1]; or 1 x 4 x H x W, where the
               fourth is the pose, 1 on the performer's limbs, falling to 0 at four half-widths
    output 0   float32, 1 x 1 x H x W: the matte in [0, 1], how much of a pixel is the performer's
    H, W       as the file fixes them; where it leaves them free, multiples of 32, at most 512

It sees the window about one performer's pose, resized; beyond the window nobody is. What it says
counts within the pose's reach alone, so that one that finds everybody does no harm.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bodyswap.config import RenderSettings
from bodyswap.engines.onnx_file import OnnxFile, open_onnx
from bodyswap.errors import EngineError, ModelError
from bodyswap.frames import RGB, Matte
from bodyswap.replacement import ReplacingSettings
from bodyswap.replacing.figure import FARTHEST

_AROUND = 3.0
_STEP_PX, _LARGEST_PX = 32, 512


class Segmenter:
    """A file that keeps the contract, ready to be asked. The same picture gets the same answer."""

    def __init__(self, network: OnnxFile) -> None:
        """Raises ModelError where its input or output is another."""
        self._network = network
        shape = network.input_shape
        is_picture = len(shape) == 4 and shape[0] in (1, None) and shape[1] in (3, 4)
        if not is_picture or network.input_type != "tensor(float)":
            raise ModelError(
                f"segmenter '{network.path}' takes {network.input_type} of {list(shape)}; it must"
                " take float32 of 1 x 3 x H x W, red, green, blue, or x 4 with the pose"
            )
        self._sees_pose = shape[1] == 4
        self._fixed = shape[2], shape[3]

    def __call__(self, rgb_HW3: RGB, distance_HW: Matte) -> Matte:
        """The matte of whom `figure.distance_to` is told of, in [0, 1].

        Raises ModelError where the network answers something else.
        """
        matte_HW = np.zeros(distance_HW.shape, np.float32)
        near_HW = distance_HW < _AROUND
        if not near_HW.any():
            return matte_HW
        rows, columns = (np.flatnonzero(near_HW.any(axis=axis)) for axis in (1, 0))
        window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        shape = matte_HW[window].shape
        height, width = (self._side(*each) for each in zip(self._fixed, shape, strict=True))
        answer = self._network(self._seen(rgb_HW3[window], distance_HW[window], height, width))
        if answer.shape != (1, 1, height, width):
            raise ModelError(
                f"segmenter '{self._network.path}' answers {list(answer.shape)}; it must answer"
                f" 1 x 1 x {height} x {width}, the matte"
            )
        found_HW = cv2.resize(answer[0, 0].clip(0, 1), shape[::-1], interpolation=cv2.INTER_LINEAR)
        matte_HW[window] = found_HW
        return matte_HW

    def _seen(self, rgb_HW3: RGB, distance_HW: Matte, height: int, width: int) -> Matte:
        """What the network is given, (1, C, H, W)."""
        size = width, height
        picture_HW3 = cv2.resize(rgb_HW3, size, interpolation=cv2.INTER_AREA) / np.float32(255)
        planes = [*np.moveaxis(picture_HW3, 2, 0)]
        if self._sees_pose:
            planes.append(1 - cv2.resize(distance_HW, size) / np.float32(FARTHEST))
        return np.stack(planes)[None].astype(np.float32)

    def _side(self, fixed: int | None, window_px: int) -> int:
        steps = -(-min(window_px, _LARGEST_PX) // _STEP_PX)
        return fixed or steps * _STEP_PX


def load_segmenter(settings: ReplacingSettings) -> Segmenter | None:
    """The one that the settings name; None where they name none.

    Raises:
        ModelError: it is not there, another than was pinned, or keeps another contract.
    """
    if not settings.segmenter:
        return None
    path = Path(settings.segmenter)
    found = _hash(path)
    if settings.segmenter_sha256 and found != settings.segmenter_sha256:
        raise ModelError(
            f"segmenter '{path}' has the SHA-256 {found[:12]}…, and"
            f" {settings.segmenter_sha256[:12]}… was asked for; copy the one that was,"
            " or submit with this"
        )
    try:
        return Segmenter(open_onnx(path))
    except EngineError as error:
        raise ModelError(f"segmenter '{path}' cannot be used: {error}") from error


def pinned(settings: RenderSettings) -> RenderSettings:
    """The settings with the hash of the segmenter they name, so that nobody uses another.

    Raises:
        ModelError: it is not there, or is another than the settings say already.
    """
    replacing = settings.replacing
    if not replacing.segmenter:
        return settings
    load_segmenter(replacing)
    known = replace(replacing, segmenter_sha256=_hash(Path(replacing.segmenter)))
    return replace(settings, replacing=known)


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(
            f"segmenter '{path}' cannot be read: {error.strerror}; put it there on every worker"
        ) from error
