"""The boxes of ISO base media files, MP4 and QuickTime: walked, and built again.

It does not know streams. ISO/IEC 14496-12: a box is a size, a type of four letters, and a payload.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bodyswap.errors import IntegrityError

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a box lies: it begins at `start`, its payload at `payload`, the next box at `stop`."""

    type: bytes
    start: int
    payload: int
    stop: int


def walk(file: BinaryIO, start: int, stop: int) -> Iterator[Box]:
    """The boxes between `start` and `stop`, none of them entered.

    Raises:
        IntegrityError: there is something else.
    """
    while start < stop:
        file.seek(start)
        head = file.read(16)
        size, payload = _size(head, stop - start)
        if size < payload or start + size > stop:
            raise IntegrityError(f"no box of MP4 or QuickTime begins at byte {start}")
        yield Box(type=head[4:8], start=start, payload=start + payload, stop=start + size)
        start += size


def box(type: bytes, payload: bytes) -> bytes:
    """A box of less than 4 GiB."""
    return struct.pack(">I4s", 8 + len(payload), type) + payload


def large_box_head(type: bytes, payload_bytes: int) -> bytes:
    """What comes before the payload of a box of any size."""
    return struct.pack(">I4sQ", 1, type, 16 + payload_bytes)


def children(payload: bytes) -> list[tuple[bytes, bytes]]:
    """Types and payloads of the boxes that make up `payload`."""
    found, start = [], 0
    while start + 8 <= len(payload):
        size, head = _size(payload[start : start + 16], len(payload) - start)
        if size < head:
            raise IntegrityError(f"a box inside another is {size} bytes, less than its head")
        found.append((payload[start + 4 : start + 8], payload[start + head : start + size]))
        start += size
    return found


def rebuilt(payload: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    """The payload of a container, with what `change` makes of the boxes in it.

    `change` is given type and payload of every box that holds no others down to the sample tables,
    and answers the box that comes in its place, or None where it stays.
    """
    parts = []
    for type, inner in children(payload):
        new = box(type, rebuilt(inner, change)) if type in _CONTAINERS else change(type, inner)
        parts.append(box(type, inner) if new is None else new)
    return b"".join(parts)


def _size(head: bytes, left: int) -> tuple[int, int]:
    """Bytes of the box, and of its head; a size of 0 is all that is left."""
    if len(head) < 8:
        return 0, 8
    size = int.from_bytes(head[:4])
    if size == 1 and len(head) == 16:
        return int.from_bytes(head[8:16]), 16
    return size or left, 8
