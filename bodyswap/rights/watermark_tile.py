"""The watermark's tile: what a key and a payload look like, for whoever draws it or looks for it.

It does not know pictures. Every machine makes the same tile of the same key.

Shape letters: T the tile's side in pixels, K patterns.
"""

import hashlib
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from bodyswap.rights.mark import PAYLOAD_BITS, Mark

TILE_PX = 240
CELL_PX = 4
BITS = PAYLOAD_BITS + 16
"""The payload's, and a checksum's."""
_SYNC_SHARE = 0.22
_LOUDEST = 2.2
_GRID = 1 << 12

Floats = NDArray[np.float32]


def tile_of(mark: Mark) -> Floats:
    """The mark's tile, TT, of unit strength; nowhere beyond 2.2."""
    sync_TT, bits_KTT = patterns(mark.key)
    signs_K = 2 * np.array(with_check(mark.key, mark.payload), np.float32) - 1
    data_TT = np.tensordot(signs_K, bits_KTT, axes=1) / np.sqrt(BITS)
    tile_TT = np.sqrt(_SYNC_SHARE) * sync_TT + np.sqrt(1 - _SYNC_SHARE) * data_TT
    return np.clip(_on_grid(tile_TT / tile_TT.std()), -_LOUDEST, _LOUDEST)


@lru_cache(maxsize=4)
def patterns(key: bytes) -> tuple[Floats, Floats]:
    """The sync pattern, TT, and every bit's, KTT: soft cells of unit strength that wrap around."""
    seed = int.from_bytes(hashlib.sha256(b"bodyswap watermark " + key).digest()[:16], "big")
    cells = TILE_PX // CELL_PX
    chance = np.random.Generator(np.random.Philox(seed))
    grain = chance.standard_normal((cells * cells, BITS + 1))
    # Patterns at right angles to one another: no bit is mistaken for its neighbour's.
    apart = np.linalg.qr(grain)[0].T.reshape(BITS + 1, cells, cells)
    soft = np.stack([_on_grid(_softened(one)) for one in apart])
    return soft[0], soft[1:]


def with_check(key: bytes, payload: int) -> list[bool]:
    """The payload's bits and its checksum's, lowest first."""
    digest = hashlib.sha256(key + payload.to_bytes(8, "big")).digest()
    check = int.from_bytes(digest[:2], "big")
    whole = payload | check << PAYLOAD_BITS
    return [bool(whole >> index & 1) for index in range(BITS)]


def _softened(cells: Floats) -> Floats:
    """Cells as pixels, without edges: they live where codecs and scaling keep something."""
    wrapped = np.pad(cells, 1, mode="wrap")
    around = wrapped.repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)
    blurred = cv2.GaussianBlur(around, (0, 0), CELL_PX / 3)
    pattern = blurred[CELL_PX:-CELL_PX, CELL_PX:-CELL_PX]
    return np.asarray((pattern - pattern.mean()) / pattern.std())


def _on_grid(values: Floats) -> Floats:
    """The values, coarser than machines' rounding differs: every machine has the same."""
    return np.asarray(np.rint(np.asarray(values, np.float64) * _GRID) / _GRID, np.float32)
