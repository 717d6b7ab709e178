"""Where the tables of a movie say that its samples lie, and the same tables saying otherwise.

It does not know codecs. ISO/IEC 14496-12, 8.7: samples lie in chunks, one after another; a track
has a table of chunks' places (stco, co64), of samples in each chunk (stsc), of samples' sizes
(stsz).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bodyswap.errors import IntegrityError
from bodyswap.media.boxes import box, children, rebuilt

_PLACES = (b"stco", b"co64")


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Start and size in bytes of each chunk of a track."""

    chunks: tuple[tuple[int, int], ...]


def located(moov: bytes) -> list[Tables]:
    """The tracks of a movie, given the payload of its box, in order."""
    return [_tables(_sample_table(trak)) for kind, trak in children(moov) if kind == b"trak"]


def one_a_chunk(moov: bytes, offsets: Sequence[Sequence[int]]) -> bytes:
    """The movie's box with each track's chunks at `offsets`, a sequence for each track.

    The first track's offsets are of its samples: there, each is a chunk of its own.
    """
    tracks = iter(offsets)
    parts = []
    for kind, payload in children(moov):
        if kind != b"trak":
            parts.append(box(kind, payload))
            continue
        is_first, places = not any(child[4:8] == b"trak" for child in parts), next(tracks)
        parts.append(box(kind, _placed(payload, places, is_one_a_chunk=is_first)))
    return box(b"moov", b"".join(parts))


def _placed(trak: bytes, offsets: Sequence[int], *, is_one_a_chunk: bool) -> bytes:
    def change(kind: bytes, payload: bytes) -> bytes | None:
        if kind in _PLACES:
            table = struct.pack(f">II{len(offsets)}Q", 0, len(offsets), *offsets)
            return box(b"co64", table)
        if kind == b"stsc" and is_one_a_chunk:
            return box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1))
        return None

    return rebuilt(trak, change)


def _sample_table(trak: bytes) -> dict[bytes, bytes]:
    payload = trak
    for name in (b"mdia", b"minf", b"stbl"):
        payload = dict(children(payload)).get(name, b"")
    tables = dict(children(payload))
    if not {b"stsc", b"stsz"} <= set(tables) or not any(name in tables for name in _PLACES):
        raise IntegrityError("a track of the delivery has no tables of its samples; this is a bug")
    return tables


def _tables(tables: dict[bytes, bytes]) -> Tables:
    places = _places(tables)
    sizes = _sizes(tables[b"stsz"])
    counts = _counts(tables[b"stsc"], len(places))
    chunks = tuple(
        (place, sum(next(sizes) for _ in range(count)))
        for place, count in zip(places, counts, strict=True)
    )
    return Tables(chunks=chunks)


def _places(tables: dict[bytes, bytes]) -> tuple[int, ...]:
    if b"co64" in tables:
        return _column(tables[b"co64"], 4, "Q")
    return _column(tables[b"stco"], 4, "I")


def _sizes(stsz: bytes) -> Iterator[int]:
    same, count = struct.unpack_from(">II", stsz, 4)
    return iter((same,) * count if same else _column(stsz, 8, "I"))


def _counts(stsc: bytes, chunks: int) -> list[int]:
    """How many samples each of the chunks has; the table tells only where that changes."""
    rows = [row[:2] for row in struct.iter_unpack(">III", stsc[8:])]
    counts: list[int] = []
    for (first, count), (following, _) in pairwise([*rows, (chunks + 1, 0)]):
        counts += [count] * (following - first)
    return counts


def _column(payload: bytes, at: int, kind: str) -> tuple[int, ...]:
    (count,) = struct.unpack_from(">I", payload, at)
    return struct.unpack_from(f">{count}{kind}", payload, at + 4)
