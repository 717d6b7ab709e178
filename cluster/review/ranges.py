"""Objects of the store as HTTP answers, whole or a range of them (RFC 9110, one range)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from bodyswap.errors import StoreError
from cluster.stores.store import Store

_PIECE_BYTES = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@dataclass(frozen=True, kw_only=True)
class Span:
    """Bytes `start` up to `stop`, half-open."""

    start: int
    stop: int


def read_span(header: str | None, size: int) -> Span | None:
    """What a Range header asks of `size` bytes; None is all of them.

    What cannot be read is no range, as RFC 9110 has it, and so are several at once.

    Raises:
        ValueError: it lies beyond the end.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        start, stop = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        stop = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= stop:
        raise ValueError(f"{header} is beyond {size} bytes")
    return Span(start=start, stop=stop)


def answer_object(
    store: Store, key: str, *, tag: str, media_type: str, ranges: str | None, name: str = ""
) -> Response:
    """The object under `key`, or the range of it that was asked for.

    Raises:
        StoreError: it is not there.
    """
    facts = store.head(key)
    if facts is None:
        raise StoreError(f"'{key}' is gone from the store")
    headers = {
        "Accept-Ranges": "bytes", "ETag": f'"{tag}"', "Cache-Control": "private, no-cache",
    }  # fmt: skip
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    try:
        span = read_span(ranges, facts.size_bytes)
    except ValueError:
        headers["Content-Range"] = f"bytes */{facts.size_bytes}"
        return Response(status_code=416, headers=headers)
    whole = span or Span(start=0, stop=facts.size_bytes)
    headers["Content-Length"] = str(whole.stop - whole.start)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{facts.size_bytes}"
    return StreamingResponse(
        _pieces(store, key, whole),
        status_code=200 if span is None else 206,
        media_type=media_type,
        headers=headers,
    )


def _pieces(store: Store, key: str, span: Span) -> Iterator[bytes]:
    for start in range(span.start, span.stop, _PIECE_BYTES):
        yield store.read_range(key, start, min(start + _PIECE_BYTES, span.stop))
