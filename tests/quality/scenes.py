"""Pairs of tiny shots whose faults in time are known, for the tests of quality.

It does not know the scores. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import cv2
import numpy as np

from bodyswap.frames import RGB

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


def walked(count: int, step: int = 3) -> list[RGB]:
    """A textured block that walks over a background that keeps still."""
    scene, block = texture(5), texture(6)[:40, :24]
    pictures = []
    for index in range(count):
        picture = scene.copy()
        picture[30:70, 8 + step * index : 32 + step * index] = block
        pictures.append(picture)
    return pictures


def brightened(pictures: list[RGB], by: int, *, every: int = 2) -> list[RGB]:
    """The same, with every such frame brighter all over by so many grey levels."""
    return [
        picture if index % every else picture + np.uint8(by)
        for index, picture in enumerate(pictures)
    ]
