"""How one object is put together from pieces of others, with few bytes through this machine.

Pure. S3 copies parts of objects by itself (UploadPartCopy), but every part except the last has a
least size; smaller pieces are packed into parts that are sent. It does not know what the bytes are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bodyswap.errors import StoreError

LEAST_PART_BYTES = 5 << 20
MOST_PART_BYTES = 5 << 30
MOST_PARTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Bytes of a stored object, half-open."""

    key: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


Content: TypeAlias = Piece | bytes


@dataclass(frozen=True, kw_only=True)
class CopiedPart:
    """A part that the store takes from one of its objects."""

    piece: Piece


@dataclass(frozen=True, kw_only=True)
class SentPart:
    """A part that this machine sends, packed from bytes of its own and bytes that it reads."""

    contents: tuple[Content, ...]

    def __len__(self) -> int:
        return sum(map(len, self.contents))


def plan_parts(
    contents: Sequence[Content], *, least: int = LEAST_PART_BYTES, most: int = MOST_PART_BYTES
) -> tuple[CopiedPart | SentPart, ...]:
    """Parts of `least` to `most` bytes, the last of any size, that make up `contents` in order.

    Raises:
        StoreError: that would be more parts than an object may have.
    """
    parts = tuple(_parts([content for content in contents if len(content)], least, most))
    if len(parts) > MOST_PARTS:
        raise StoreError(f"{len(parts)} parts are more than the {MOST_PARTS} an object may have")
    return parts


def _parts(contents: Sequence[Content], least: int, most: int) -> Iterator[CopiedPart | SentPart]:
    held: list[Content] = []
    for place, content in enumerate(contents):
        is_last = place == len(contents) - 1
        rest = content
        while len(rest):
            is_large = len(rest) >= least or is_last
            if not held and isinstance(rest, Piece) and is_large:
                piece, rest = _split(rest, most)
                assert isinstance(piece, Piece)
                yield CopiedPart(piece=piece)
                continue
            taken, rest = _split(rest, least - sum(map(len, held)))
            held.append(taken)
            if sum(map(len, held)) >= least:
                yield SentPart(contents=tuple(held))
                held = []
    if held:
        yield SentPart(contents=tuple(held))


def _split(content: Content, size: int) -> tuple[Content, Content]:
    """The first `size` bytes, and the rest, which may be empty."""
    if isinstance(content, bytes):
        return content[:size], content[size:]
    middle = min(content.start + size, content.stop)
    return (
        Piece(key=content.key, start=content.start, stop=middle),
        Piece(key=content.key, start=middle, stop=content.stop),
    )
