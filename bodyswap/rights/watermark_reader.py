"""Reads a watermark from what is left of it: coded, scaled, cropped, or of a small person only.

What every frame shows is laid over one another, tile by tile and frame by frame, so that the mark
grows and pictures fade. Where only people were marked, in a plate that stands still, what moves
is read by itself. It does not know files; see `watermark` for how a mark is drawn.

Shape letters: H rows, W columns, T the tile's side in pixels, K patterns, 3 = red, green, blue.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import cv2
import numpy as np

from bodyswap.frames import RGB
from bodyswap.rights.mark import PAYLOAD_BITS
from bodyswap.rights.moving import moving_parts
from bodyswap.rights.watermark import BUSY, PICTURE
from bodyswap.rights.watermark_tile import BITS, CELL_PX, TILE_PX, Floats, patterns, with_check

SCALES = (1.0, 0.5, 0.75, 2 / 3)
"""What a picture may have been scaled by, as the reader tries it."""
_DOUBTFUL, _MOST_TURNED = 12, 5
_LEAST_Z = 9.5
_PEAKS = 16
_QUIET = 0.3
"""Of the least noise a place has, squared levels: a wall that a codec smoothed says little."""
_EVEN_OUT_PX, _LEAST_POWER = 4, 0.3


@dataclass(frozen=True, kw_only=True)
class Found:
    """A mark that was found: its payload, the scale of the picture, and how clearly it stood out.

    `z` is how far the bits stand out of the noise, all together, in standard deviations: without a
    mark about 6.
    """

    payload: int
    scale: float
    z: float


def detect(
    pictures: Iterable[RGB], key: bytes, *, scales: Sequence[float] = SCALES
) -> Found | None:
    """The mark in some frames of one shot, or None; the more frames, the fainter it may be.

    Pictures may be cropped, scaled by one of `scales`, and coded again.
    """
    frames = list(pictures)
    if not frames:
        return None
    every = np.ones(frames[0].shape[:2], np.float32)
    return _clearest(frames, [every] * len(frames), (every,), key, scales)


def detect_in_what_moves(
    pictures: Sequence[RGB], key: bytes, *, scales: Sequence[float] = SCALES
) -> Found | None:
    """The mark on people who move before a set that stands still and is not marked, or None."""
    parts = moving_parts(pictures)
    if parts is None:
        return None
    return _clearest(pictures, parts.masks, parts.places, key, scales)


def _clearest(
    frames: Sequence[RGB],
    masks: Sequence[Floats],
    places: Sequence[Floats],
    key: bytes,
    scales: Sequence[float],
) -> Found | None:
    found: list[Found] = []
    for scale in scales:
        evidence = _evidence(frames, masks, scale)
        for place_HW in places:
            tiles = [_evened(_folded(one * place_HW, scale)) for one in evidence]
            read = (_read(tile, key, scale) for tile in (tiles[0] + tiles[1], tiles[0]))
            found += [one for one in read if one is not None]
    return max(found, key=lambda one: one.z, default=None)


def _read(tile_TT: Floats, key: bytes, scale: float) -> Found | None:
    sync_TT, bits_KTT = patterns(key)
    spectrum = np.fft.rfft2(tile_TT) * np.conj(np.fft.rfft2(sync_TT))
    match_TT = np.fft.irfft2(spectrum, s=tile_TT.shape).astype(np.float32)
    noise = float(match_TT.std()) + 1e-9
    for place in _peaks(match_TT):
        aligned_TT = np.roll(tile_TT, (-place[0], -place[1]), axis=(0, 1))
        soft_K = np.tensordot(bits_KTT, aligned_TT, axes=2)
        z = float(np.abs(soft_K).sum() / (noise * np.sqrt(BITS)))
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
        near = np.ix_(
            *(np.arange(at - CELL_PX, at + CELL_PX + 1) % TILE_PX for at in (row, column))
        )
        left_TT[near] = left_TT.min()


def _decided(soft_K: Floats, key: bytes) -> int | None:
    """The payload that fits its checksum with only the most doubtful bits turned (Chase 1972)."""
    bits = [bool(bit) for bit in soft_K > 0]
    doubtful = np.argsort(np.abs(soft_K))[:_DOUBTFUL]
    for turned in _turned():
        tried = bits.copy()
        for place in turned:
            tried[doubtful[place]] ^= True
        payload = sum(bit << index for index, bit in enumerate(tried[:PAYLOAD_BITS]))
        if tried == with_check(key, payload):
            return payload
    return None


@cache
def _turned() -> tuple[tuple[int, ...], ...]:
    """Which of the doubtful bits to turn, the fewest first."""
    counts = range(_MOST_TURNED + 1)
    return tuple(places for count in counts for places in combinations(range(_DOUBTFUL), count))


def _evidence(
    frames: Sequence[RGB], masks: Sequence[Floats], scale: float
) -> tuple[Floats, Floats]:
    """What brightness says of the mark, and what blue does, summed over the frames, HW each."""
    grey_HW, blue_HW = np.zeros_like(masks[0]), np.zeros_like(masks[0])
    for frame_HW3, mask_HW in zip(frames, masks, strict=True):
        luma_HW = cv2.cvtColor(frame_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32)
        grey_HW += mask_HW * _weighed(luma_HW, scale)
        blue_HW += mask_HW * _weighed(frame_HW3[..., 2] - luma_HW, scale)
    # Who stands still hides the same noise in every frame, which grows as fast as the mark.
    often_HW = np.sqrt(np.maximum(np.sum(masks, axis=0), 1)).astype(np.float32)
    return grey_HW / often_HW, blue_HW / often_HW


def _weighed(values_HW: Floats, scale: float) -> Floats:
    """What is left without the slow parts, each place by the mark it may hold and its noise."""
    fine_HW = values_HW - cv2.GaussianBlur(values_HW, (0, 0), CELL_PX * scale)
    loud_HW = cv2.blur(np.abs(fine_HW), (15, 15))
    most_HW = 2 * (loud_HW + 0.5)
    held_HW = (PICTURE.flat + BUSY * loud_HW) / (loud_HW**2 + _QUIET)
    return np.asarray(np.clip(fine_HW, -most_HW, most_HW) * held_HW, np.float32)


def _folded(sum_HW: Floats, scale: float) -> Floats:
    """All the picture's tiles laid over one another, at the tile's own size."""
    if scale != 1.0:
        height, width = sum_HW.shape
        size = (round(width / scale), round(height / scale))
        sum_HW = cv2.resize(sum_HW, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    height, width = sum_HW.shape
    padded = np.zeros((-(-height // TILE_PX) * TILE_PX, -(-width // TILE_PX) * TILE_PX), np.float32)
    padded[:height, :width] = sum_HW
    tiles = padded.reshape(-1, TILE_PX, padded.shape[1] // TILE_PX, TILE_PX)
    return np.asarray(tiles.sum(axis=(0, 2)), np.float32)


def _evened(tile_TT: Floats) -> Floats:
    """The tile, each of its frequencies by how much noise it has: a filter matched to the mark.

    What a codec took from the mark it took from the noise too, so the least of it is bounded.
    """
    spectrum = np.fft.fft2(tile_TT)
    wrapped = np.pad(np.abs(spectrum) ** 2, 3 * _EVEN_OUT_PX, mode="wrap")
    inside = slice(3 * _EVEN_OUT_PX, -3 * _EVEN_OUT_PX)
    power_TT = cv2.GaussianBlur(wrapped, (0, 0), _EVEN_OUT_PX)[inside, inside]
    cycles_T = np.abs(np.fft.fftfreq(TILE_PX))
    is_marked_TT = np.hypot(cycles_T[:, None], cycles_T) < 1 / (2 * CELL_PX)
    least = _LEAST_POWER * power_TT[is_marked_TT].mean() + 1e-12
    evened_TT = np.fft.ifft2(spectrum / (power_TT + least)).real
    return np.asarray(evened_TT / (evened_TT.std() + 1e-12), np.float32)
