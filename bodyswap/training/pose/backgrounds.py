"""Pictures without people to set people against: clean plates of fixed shots, and made textures.

It does not know what is pasted on them.

Shape letters: N pictures or frames, G the side of a picture, H rows, W columns.
"""

import warnings
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bodyswap.frames import RGB
from bodyswap.training.pose.samples import Bytes

SIDE = 384


def clean_plate(frames_NHW3: RGB, mattes_NHW: npt.NDArray[np.bool_]) -> RGB:
    """The median of what each pixel shows while nobody covers it; black where that never is."""
    seen = np.where(mattes_NHW[..., None], np.float32(np.nan), frames_NHW3.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle = np.nanmedian(seen, axis=0)
    return np.asarray(np.nan_to_num(middle), np.uint8)


def cut_pictures(plate_HW3: RGB, count: int, rng: np.random.Generator) -> list[Bytes]:
    """`count` random squares of a plate, at random sizes."""
    height, width = plate_HW3.shape[:2]
    pictures = []
    for _ in range(count):
        side = int(min(height, width) * rng.uniform(0.35, 1.0))
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        square = plate_HW3[top : top + side, left : left + side]
        pictures.append(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return [np.asarray(picture, dtype=np.uint8) for picture in pictures]


def made_pictures(count: int, rng: np.random.Generator) -> list[Bytes]:
    """Plain walls, gradients, clouds of noise, stripes, and heaps of shapes."""
    makers = (_wall, _clouds, _stripes, _shapes, _shapes, _limbs)
    return [makers[index % len(makers)](rng) for index in range(count)]


def stack_pictures(pictures: Sequence[Bytes]) -> Bytes:
    """(N, 3, G, G), as torch wants them."""
    return np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))


def _wall(rng: np.random.Generator) -> Bytes:
    first, second = rng.integers(0, 256, (2, 3))
    if rng.random() < 0.3:
        first = second = np.full(3, rng.integers(200, 256))
    ramp = np.linspace(0, 1, SIDE)[:, None, None] if rng.random() < 0.5 else 0.5
    picture = first * (1 - ramp) + second * ramp
    return np.ascontiguousarray(np.broadcast_to(picture, (SIDE, SIDE, 3)).astype(np.uint8))


def _clouds(rng: np.random.Generator) -> Bytes:
    total = np.zeros((SIDE, SIDE, 3))
    for octave in range(2, 8):
        grain = rng.standard_normal((2**octave, 2**octave, 3))
        weight = rng.uniform(0.3, 1.0) * 0.7**octave
        total += weight * cv2.resize(grain, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    base, spread = rng.uniform(40, 215, 3), rng.uniform(20, 90, 3)
    return np.asarray(np.clip(base + total / total.std() * spread, 0, 255), np.uint8)


def _stripes(rng: np.random.Generator) -> Bytes:
    y, x = np.mgrid[:SIDE, :SIDE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 90)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    share = np.clip(wave * rng.uniform(1, 8), -1, 1)[..., None] / 2 + 0.5
    first, second = rng.integers(0, 256, (2, 3))
    return np.ascontiguousarray((first * (1 - share) + second * share).astype(np.uint8))


def _shapes(rng: np.random.Generator) -> Bytes:
    picture = _clouds(rng) if rng.random() < 0.5 else _wall(rng)
    for _ in range(int(rng.integers(5, 40))):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        x, y = (int(value) for value in rng.integers(0, SIDE, 2))
        wide, high = (int(value) for value in rng.integers(5, 130, 2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.rectangle(picture, (x, y), (x + wide, y + high), colour, -1)
        elif kind == 1:
            cv2.ellipse(picture, (x, y), (wide // 2, high // 2), float(wide), 0, 360, colour, -1)
        else:
            end = (int(rng.integers(SIDE)), int(rng.integers(SIDE)))
            cv2.line(picture, (x, y), end, colour, int(rng.integers(1, 14)))
    return picture


def _limbs(rng: np.random.Generator) -> Bytes:
    """Limb-like strokes that are nobody: branches, poles, and balls."""
    picture = _clouds(rng)
    for _ in range(int(rng.integers(3, 15))):
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        point = rng.integers(0, SIDE, 2)
        for _ in range(int(rng.integers(1, 5))):
            after = point + rng.integers(-90, 91, 2)
            ends = [tuple(int(value) for value in end) for end in (point, after)]
            cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(6, 40)), cv2.LINE_AA)
            point = after
        if rng.random() < 0.5:
            cv2.circle(picture, ends[1], int(rng.integers(8, 40)), colour, -1, cv2.LINE_AA)
    return picture
