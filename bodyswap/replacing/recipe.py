"""Recipe: all that a worker needs, beside the plate itself, to replace the performer in a frame.

Made once for the shot and stored; whoever renders a part reads the same. It does not know how it
was made. Shape letters: N frames, H rows, W columns, 2x3 and 3x3 = maps of pixels.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.errors import IntegrityError
from bodyswap.homography import Homographies
from bodyswap.people import PoseSequence
from bodyswap.replacing.cleanplate import CleanPlate
from bodyswap.replacing.match import Gains
from bodyswap.replacing.placement import Affines


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What lies between two cuts: its set, from its first frame on, and the light there."""

    start: int
    clean: CleanPlate
    gains: Gains


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The performer in the plate, where the subject goes, and the clean plates.

    `to_canvas_N33` takes each frame's pixels to its scene's clean plate; `placed_N23` the
    subject's pixels to the frame's. Where `set_moves`, the clean plate was given as pictures, one
    for each frame, which do not travel in here: those of the scenes are their first alone.
    """

    performer: PoseSequence
    torso_px: float
    placed_N23: Affines
    to_canvas_N33: Homographies
    scenes: tuple[Scene, ...]
    set_moves: bool = False

    def scene_of(self, index: int) -> Scene:
        """The one that the plate's frame `index` belongs to."""
        return [scene for scene in self.scenes if scene.start <= index][-1]

    def to_bytes(self) -> bytes:
        """Pictures as PNG inside, so that nothing is lost."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "performer": np.frombuffer(self.performer.to_bytes(), np.uint8),
            "torso": np.array(self.torso_px),
            "placed": self.placed_N23,
            "to_canvas": self.to_canvas_N33,
            "set_moves": np.array(self.set_moves),
            "starts": np.array([scene.start for scene in self.scenes]),
            "noise": np.stack([scene.clean.noise_3 for scene in self.scenes]),
            "gains": np.array([scene.gains.rgb_3 for scene in self.scenes]),
        }
        for number, scene in enumerate(self.scenes):
            arrays[f"clean{number}"] = _packed(scene.clean.rgb_HW3)
            arrays[f"seen{number}"] = _packed(scene.clean.seen_HW.astype(np.uint8))
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises IntegrityError where `data` is no recipe."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise IntegrityError(f"a replacement recipe is damaged: {error}") from error
        return cls(
            performer=PoseSequence.from_bytes(arrays["performer"].tobytes()),
            torso_px=float(arrays["torso"]),
            placed_N23=arrays["placed"],
            to_canvas_N33=arrays["to_canvas"],
            scenes=tuple(_scene(arrays, number) for number in range(len(arrays["starts"]))),
            set_moves=bool(arrays["set_moves"]),
        )


def _scene(arrays: Mapping[str, npt.NDArray[np.generic]], number: int) -> Scene:
    red, green, blue = np.asarray(arrays["gains"][number], np.float64).tolist()
    seen_HW = _unpacked(arrays[f"seen{number}"], cv2.IMREAD_GRAYSCALE) > 0
    return Scene(
        start=int(np.asarray(arrays["starts"], np.int64)[number]),
        clean=CleanPlate(
            rgb_HW3=_unpacked(arrays[f"clean{number}"], cv2.IMREAD_UNCHANGED),
            seen_HW=seen_HW,
            noise_3=np.asarray(arrays["noise"][number], np.float32),
        ),
        gains=Gains(rgb_3=(red, green, blue)),
    )


def _packed(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    _, data = cv2.imencode(".png", picture)
    return np.asarray(data, np.uint8)


def _unpacked(data: npt.NDArray[np.generic], how: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.asarray(data, np.uint8), how), np.uint8)
