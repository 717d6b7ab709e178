"""Recipe: all that a worker needs, beside the plate itself, to replace performers in a frame.

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

_Arrays = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What lies between two cuts: its set, from its first frame on, and each stand-in's light."""

    start: int
    clean: CleanPlate
    gains: tuple[Gains, ...]


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A performer in the plate, and where whoever stands in for them goes.

    `subject` has that one's poses, in their own pixels, and `placed_N23` takes their pixels to each
    frame's; where nobody stands in it is None, and the maps are 0. `nearness_N` tells who is in
    front (see `nearness`).
    """

    performer: PoseSequence
    torso_px: float
    nearness_N: npt.NDArray[np.float64]
    placed_N23: Affines
    subject: PoseSequence | None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The performers who are replaced, the lead first, and the clean plates.

    `to_canvas_N33` takes each frame's pixels to its scene's clean plate. Where `set_moves`, the
    clean plate was given as pictures, one for each frame, which do not travel in here: those of the
    scenes are their first alone.
    """

    replaced: tuple[Replaced, ...]
    to_canvas_N33: Homographies
    scenes: tuple[Scene, ...]
    set_moves: bool = False

    def row_of(self, index: int) -> int:
        """Where the maps have the plate's frame `index`."""
        return index - self.replaced[0].performer.frames.start

    def scene_of(self, index: int) -> Scene:
        """The one that the plate's frame `index` belongs to."""
        return [scene for scene in self.scenes if scene.start <= index][-1]

    def back_to_front(self, index: int) -> list[int]:
        """Which of those replaced lies behind which in a frame, by their places in `replaced`."""
        row = self.row_of(index)
        near = [float(np.nan_to_num(each.nearness_N[row], nan=-np.inf)) for each in self.replaced]
        return sorted(range(len(near)), key=lambda place: near[place])

    def to_bytes(self) -> bytes:
        """Pictures as PNG inside, so that nothing is lost."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "to_canvas": self.to_canvas_N33,
            "set_moves": np.array(self.set_moves),
            "torsos": np.array([each.torso_px for each in self.replaced]),
            "starts": np.array([scene.start for scene in self.scenes]),
            "noise": np.stack([scene.clean.noise_3 for scene in self.scenes]),
            "gains": np.array([[each.rgb_3 for each in scene.gains] for scene in self.scenes]),
        }
        for place, each in enumerate(self.replaced):
            subject = each.subject.to_bytes() if each.subject is not None else b""
            arrays[f"performer{place}"] = np.frombuffer(each.performer.to_bytes(), np.uint8)
            arrays[f"subject{place}"] = np.frombuffer(subject, np.uint8)
            arrays[f"placed{place}"] = each.placed_N23
            arrays[f"nearness{place}"] = each.nearness_N
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
            replaced=tuple(_replaced(arrays, place) for place in range(len(arrays["torsos"]))),
            to_canvas_N33=arrays["to_canvas"],
            scenes=tuple(_scene(arrays, number) for number in range(len(arrays["starts"]))),
            set_moves=bool(arrays["set_moves"]),
        )


def _replaced(arrays: _Arrays, place: int) -> Replaced:
    subject = arrays[f"subject{place}"].tobytes()
    return Replaced(
        performer=PoseSequence.from_bytes(arrays[f"performer{place}"].tobytes()),
        torso_px=float(np.asarray(arrays["torsos"], np.float64)[place]),
        nearness_N=np.asarray(arrays[f"nearness{place}"], np.float64),
        placed_N23=np.asarray(arrays[f"placed{place}"], np.float64),
        subject=PoseSequence.from_bytes(subject) if subject else None,
    )


def _scene(arrays: _Arrays, number: int) -> Scene:
    gains = [Gains(rgb_3=(red, green, blue)) for red, green, blue in
             np.asarray(arrays["gains"][number], np.float64).tolist()]  # fmt: skip
    seen_HW = _unpacked(arrays[f"seen{number}"], cv2.IMREAD_GRAYSCALE) > 0
    return Scene(
        start=int(np.asarray(arrays["starts"], np.int64)[number]),
        clean=CleanPlate(
            rgb_HW3=_unpacked(arrays[f"clean{number}"], cv2.IMREAD_UNCHANGED),
            seen_HW=seen_HW,
            noise_3=np.asarray(arrays["noise"][number], np.float32),
        ),
        gains=tuple(gains),
    )


def _packed(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    _, data = cv2.imencode(".png", picture)
    return np.asarray(data, np.uint8)


def _unpacked(data: npt.NDArray[np.generic], how: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.asarray(data, np.uint8), how), np.uint8)
