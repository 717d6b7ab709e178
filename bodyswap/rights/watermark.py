"""An imperceptible, keyed watermark: a few bits in every frame's brightness, and their detector.

Spread spectrum (Cox et al. 1997) on a repeating tile: each bit turns a keyed pattern of soft cells
up or down, all of them lie over one another, and one more pattern tells the detector where the tile
begins, so that it stands cropping. Busy places carry more of it than flat ones. It does not know
jobs, keys' places or files; without the key nobody can tell the mark from grain.

Shape letters: H rows, W columns, T the tile's side in pixels, K patterns, 3 = red, green, blue.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bodyswap.frames import RGB
from bodyswap.rights.mark import PAYLOAD_BITS, Mark

TILE_PX = 240
_CELL_PX = 4
_CHECK_BITS = 16
_BITS = PAYLOAD_BITS + _CHECK_BITS
_SYNC_SHARE = 0.15
_DOUBTFUL = 12
_FLAT, _BUSY, _MOST = 1.3, 0.06, 3.0
"""Levels of 255 in flat places; more for each level that a place varies by; and the most of all."""
_STRENGTHS = np.minimum(_FLAT + _BUSY * np.arange(256), _MOST).astype(np.float32)
_LEAST_Z = 9.0
_PEAKS = 16
_GRID = 1 << 12
SCALES = (1.0, 0.5, 0.75, 2 / 3)
"""What a picture may have been scaled by, as the detector tries it."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A mark that was found: its payload, the scale of the picture, and how clearly it stood out.

    `z` is how far the bits stand out of the noise, all together, in standard deviations: without a
    mark about 6.
    """

    payload: int
    scale: float
    z: float


class Watermark:
    """Marks pictures with one payload under one key, each by itself; any worker marks alike."""

    def __init__(self, mark: Mark) -> None:
        sync_TT, bits_KTT = _patterns(mark.key)
        signs_K = 2 * np.array(_with_check(mark.key, mark.payload), np.float32) - 1
        data_TT = np.tensordot(signs_K, bits_KTT, axes=1) / np.sqrt(_BITS)
        tile_TT = np.sqrt(_SYNC_SHARE) * sync_TT + np.sqrt(1 - _SYNC_SHARE) * data_TT
        self._tile_TT = _on_grid(tile_TT / tile_TT.std()).astype(np.float32)

    def mark(self, picture_HW3: RGB) -> RGB:
        """The picture with the mark in it."""
        height, width = picture_HW3.shape[:2]
        repeats = (-(-height // TILE_PX), -(-width // TILE_PX))
        pattern_HW = np.tile(self._tile_TT, repeats)[:height, :width]
        change_HW = np.rint(pattern_HW * _strength(picture_HW3)).astype(np.int16)
        change_HW3 = cv2.merge([change_HW] * 3)
        return np.asarray(cv2.add(picture_HW3, change_HW3, dtype=cv2.CV_8U), np.uint8)


def detect(
    pictures: Iterable[RGB], key: bytes, *, scales: Sequence[float] = SCALES
) -> Found | None:
    """The mark in some frames of one shot, or None; the more frames, the fainter it may be.

    Pictures may be cropped, scaled by one of `scales`, and coded again.
    """
    lumas = [_luma(picture) for picture in pictures]
    if not lumas:
        return None
    found = (_read(_folded(_mean(lumas, scale), scale), key, scale) for scale in scales)
    best = [one for one in found if one is not None]
    return max(best, key=lambda one: one.z, default=None)


def _read(tile_TT: Floats, key: bytes, scale: float) -> Found | None:
    sync_TT, bits_KTT = _patterns(key)
    spectrum = np.fft.rfft2(tile_TT) * np.conj(np.fft.rfft2(sync_TT))
    match_TT = np.fft.irfft2(spectrum, s=tile_TT.shape).astype(np.float32)
    noise = float(match_TT.std()) + 1e-9
    for place in _peaks(match_TT):
        aligned_TT = np.roll(tile_TT, (-place[0], -place[1]), axis=(0, 1))
        soft_K = np.tensordot(bits_KTT, aligned_TT, axes=2)
        z = float(np.abs(soft_K).sum() / (noise * np.sqrt(_BITS)))
        payload = _decided(soft_K, key) if z >= _LEAST_Z else None
        if payload is not None:
            return Found(payload=payload, scale=scale, z=z)
    return None


def _peaks(match_TT: Floats) -> Iterator[tuple[int, int]]:
    """Where the tile may begin, the likeliest first: the data tell which of them is right."""
    left_TT = match_TT.copy()
    for _ in range(_PEAKS):
        row, column = divmod(int(left_TT.argmax()), left_TT.shape[1])
        yield row, column
        near = np.ix_(*(np.arange(at - 2, at + 3) % TILE_PX for at in (row, column)))
        left_TT[near] = left_TT.min()


def _decided(soft_K: Floats, key: bytes) -> int | None:
    """The payload that fits its checksum with only the most doubtful bits turned (Chase 1972)."""
    bits = [bool(bit) for bit in soft_K > 0]
    doubtful = np.argsort(np.abs(soft_K))[:_DOUBTFUL]
    for turned in sorted(range(1 << _DOUBTFUL), key=int.bit_count):
        tried = bits.copy()
        for index, place in enumerate(doubtful):
            tried[place] ^= bool(turned >> index & 1)
        payload = sum(bit << index for index, bit in enumerate(tried[:PAYLOAD_BITS]))
        if tried == _with_check(key, payload):
            return payload
    return None


def _mean(lumas: Sequence[Floats], scale: float) -> Floats:
    total = np.zeros_like(lumas[0])
    for luma_HW in lumas:
        total += _whitened(luma_HW, scale)
    return total


def _folded(mean_HW: Floats, scale: float) -> Floats:
    """All the picture's tiles laid over one another, at the tile's own size."""
    if scale != 1.0:
        height, width = mean_HW.shape
        size = (round(width / scale), round(height / scale))
        mean_HW = cv2.resize(mean_HW, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    height, width = mean_HW.shape
    padded = np.zeros((-(-height // TILE_PX) * TILE_PX, -(-width // TILE_PX) * TILE_PX), np.float32)
    padded[:height, :width] = mean_HW
    tiles = padded.reshape(-1, TILE_PX, padded.shape[1] // TILE_PX, TILE_PX)
    return np.asarray(tiles.sum(axis=(0, 2)), np.float32)


def _whitened(luma_HW: Floats, scale: float) -> Floats:
    """What is left of a picture without its slow parts, each place as loud as any other."""
    fine_HW = luma_HW - cv2.GaussianBlur(luma_HW, (0, 0), _CELL_PX * scale)
    loudness_HW = cv2.blur(np.abs(fine_HW), (15, 15)) + 1.0
    return np.asarray(np.clip(fine_HW / loudness_HW, -2, 2), np.float32)


def _strength(picture_HW3: RGB) -> Floats:
    """How many levels a place may carry; out of whole numbers, so that every machine agrees."""
    luma_HW = cv2.cvtColor(picture_HW3, cv2.COLOR_RGB2GRAY)
    fine_HW = cv2.absdiff(luma_HW, cv2.GaussianBlur(luma_HW, (0, 0), _CELL_PX))
    return np.asarray(_STRENGTHS[cv2.blur(fine_HW, (15, 15))], np.float32)


def _luma(picture_HW3: RGB) -> Floats:
    return cv2.cvtColor(picture_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32)


@lru_cache(maxsize=4)
def _patterns(key: bytes) -> tuple[Floats, Floats]:
    """The sync pattern, TT, and every bit's, KTT: soft cells of unit strength that wrap around."""
    seed = int.from_bytes(hashlib.sha256(b"bodyswap watermark " + key).digest()[:16], "big")
    cells = TILE_PX // _CELL_PX
    chance = np.random.Generator(np.random.Philox(seed))
    grain = chance.standard_normal((cells * cells, _BITS + 1))
    # Patterns at right angles to one another: no bit is mistaken for its neighbour's.
    apart = np.linalg.qr(grain)[0].T.reshape(_BITS + 1, cells, cells)
    soft = np.stack([_on_grid(_softened(one)) for one in apart])
    return soft[0], soft[1:]


def _softened(cells: Floats) -> Floats:
    """Cells as pixels, without edges: they live where codecs and scaling keep something."""
    wrapped = np.pad(cells, 1, mode="wrap")
    around = wrapped.repeat(_CELL_PX, axis=0).repeat(_CELL_PX, axis=1)
    blurred = cv2.GaussianBlur(around, (0, 0), _CELL_PX / 3)
    pattern = blurred[_CELL_PX:-_CELL_PX, _CELL_PX:-_CELL_PX]
    return np.asarray((pattern - pattern.mean()) / pattern.std())


def _on_grid(values: Floats) -> Floats:
    """The values, coarser than machines' rounding differs: every machine has the same."""
    return np.asarray(np.rint(np.asarray(values, np.float64) * _GRID) / _GRID, np.float32)


def _with_check(key: bytes, payload: int) -> list[bool]:
    """The payload's bits and its checksum's, lowest first."""
    digest = hashlib.sha256(key + payload.to_bytes(8, "big")).digest()
    check = int.from_bytes(digest[:2], "big")
    whole = payload | check << PAYLOAD_BITS
    return [bool(whole >> index & 1) for index in range(_BITS)]
