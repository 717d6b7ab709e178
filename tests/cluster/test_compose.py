"""Parts make up the whole in order, none is smaller than may be, and little is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyswap.errors import StoreError
from cluster.stores.compose import (
    LEAST_PART_BYTES,
    MOST_PARTS,
    Content,
    CopiedPart,
    Piece,
    SentPart,
    plan_parts,
)

OBJECTS = {name: bytes((17 * number + place) % 251 for number in range(90)) for place, name in
           enumerate("abc")}  # fmt: skip
PIECES = st.builds(
    lambda key, start, size: Piece(key=key, start=start, stop=start + size),
    st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 50),
)  # fmt: skip


def _read(content: Content) -> bytes:
    return (
        content
        if isinstance(content, bytes)
        else OBJECTS[content.key][content.start : content.stop]
    )


def _part_bytes(part: CopiedPart | SentPart) -> bytes:
    contents = (part.piece,) if isinstance(part, CopiedPart) else part.contents
    return b"".join(map(_read, contents))


@given(st.lists(PIECES | st.binary(max_size=30), max_size=12))
def test_any_pieces_are_joined_by_parts_of_allowed_sizes(contents: list[Content]) -> None:
    parts = plan_parts(contents, least=10, most=25)
    assert b"".join(map(_part_bytes, parts)) == b"".join(map(_read, contents))
    sizes = [len(_part_bytes(part)) for part in parts]
    assert all(10 <= size <= 25 for size in sizes[:-1]) and all(sizes)
    copied = sum(len(part.piece) for part in parts if isinstance(part, CopiedPart))
    sent = sum(len(part) for part in parts if isinstance(part, SentPart))
    literal = sum(len(content) for content in contents if isinstance(content, bytes))
    assert copied + sent == sum(sizes) and sent >= literal


def test_of_large_segments_only_one_part_is_sent() -> None:
    segments = [Piece(key=str(n), start=700, stop=40 << 20) for n in range(20)]
    parts = plan_parts([b"header" * 200, *segments])
    sent = sum(len(part) for part in parts if isinstance(part, SentPart))
    assert sent == LEAST_PART_BYTES
    assert sent / sum(map(len, segments)) < 0.01


def test_more_parts_than_an_object_may_have_are_refused() -> None:
    with pytest.raises(StoreError, match=str(MOST_PARTS)):
        plan_parts([Piece(key="k", start=0, stop=MOST_PARTS * 10 + 1)], least=5, most=10)
