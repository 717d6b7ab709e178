"""Pairs of tiny shots whose faults in time are known, for the tests of quality.

It does not know the scores. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange

HEIGHT, WIDTH = 96, 128


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> RGB:
    """Soft noise that flow can follow."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.asarray(np.clip((soft - 127) * 4 + 120, 20, 220), np.uint8)


def panned(count: int, step: int = 2, seed: int = 3) -> list[RGB]:
    """A texture that moves `step` pixels to the left in each frame."""
    wide = texture(seed, width=WIDTH + step * count)
    return [wide[:, step * index : step * index + WIDTH].copy() for index in range(count)]


def walked(count: int, step: int = 3, start: int = 8) -> list[RGB]:
    """A textured block that walks from column `start` over a background that keeps still."""
    scene, block = texture(5), texture(6)[:40, :24]
    pictures = []
    for index in range(count):
        picture = scene.copy()
        left = start + step * index
        picture[30:70, left : left + 24] = block
        pictures.append(picture)
    return pictures


def brightened(pictures: list[RGB], by: int, *, every: int = 2) -> list[RGB]:
    """The same, with every such frame brighter all over by so many grey levels."""
    return [
        picture if index % every else picture + np.uint8(by)
        for index, picture in enumerate(pictures)
    ]


def posed(count: int, *, head: tuple[float, float], height: float) -> PoseSequence:
    """A person who stands still, frontal, with the head at x, y and the body under it."""
    x, y = head
    eye, side = height * 0.02, height * 0.1
    offsets = {"nose": (0.0, eye)}
    for sign, name in ((1, "left"), (-1, "right")):
        offsets[f"{name}_eye"] = (sign * eye, 0)
        offsets[f"{name}_ear"] = (sign * 2 * eye, 0)
        for joint, down in (("shoulder", 0.12), ("elbow", 0.3), ("wrist", 0.44), ("hip", 0.42),
                            ("knee", 0.65), ("ankle", 0.9)):  # fmt: skip
            offsets[f"{name}_{joint}"] = (sign * side, down * height)
    keypoints_K2 = np.array([offsets[name] for name in COCO_17.joints]) + np.array([x, y])
    return PoseSequence(
        skeleton=COCO_17,
        frames=FrameRange(start=0, stop=count),
        keypoints_NK2=np.repeat(keypoints_K2[None].astype(np.float32), count, axis=0),
        confidence_NK=np.ones((count, 17), np.float32),
    )
