"""Plates that are read where they lie, because fetching them whole would take longer than the work.

Whoever submits such a plate keeps a record beside it: its index, so that no worker reads it all to
know its frames, and a hash of every block, so that what is read is proven as a fetched file is. The
job names the record by its hash: another plate under the same address, and another record to go
with it, are both refused.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from bodyswap.environment import stream_over_bytes
from bodyswap.errors import IntegrityError, PlateError
from cluster.jobs.keys import plate_file, plate_record
from cluster.jobs.refs import PlateRef
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store, missing

_PACKED = ".zip"
"""A packed image sequence: its frames are files, so it is always fetched, as a still is."""


@dataclass(frozen=True, kw_only=True)
class PlateRecord:
    """`index` is the media room's; `blocks` the SHA-256, in hex, of each `block_bytes`."""

    index: str
    size_bytes: int
    block_bytes: int
    blocks: tuple[str, ...]


def recorded(plate: PlateRef, local: Path) -> tuple[PlateRef, bytes]:
    """The plate with the hash of its record, and the record; none where it is to be fetched.

    Raises:
        PlateError: the file is no longer the one that was looked at.
    """
    is_packed = plate.name.lower().endswith(_PACKED) or plate.frame_count == 1
    if is_packed or local.stat().st_size <= stream_over_bytes():
        return plate, b""
    record = to_json(_described(local, plate))
    return replace(plate, record=hashlib.sha256(record).hexdigest()), record


def is_streamed(store: Store, plate: PlateRef) -> bool:
    """Whether workers read the plate where it lies."""
    if not plate.record:
        return False
    facts = store.head(plate_file(plate))
    return facts is not None and facts.size_bytes > stream_over_bytes()


def open_plate(store: Store, plate: PlateRef) -> Path:
    """The plate as a path that readers of video open; nothing of it is fetched before.

    Raises:
        IntegrityError: it, or its record, is not what the job was submitted with.
    """
    from bodyswap.media.streamed import StreamedFile, StreamedPath

    key = plate_file(plate)
    facts = store.head(key)
    if facts is None:
        raise missing(key, store.url)
    record = _record(store, plate)
    if facts.size_bytes != record.size_bytes:
        raise IntegrityError(
            f"'{key}' has {facts.size_bytes} bytes, and the plate that was submitted has"
            f" {record.size_bytes}: another file lies in its place; remove it and submit again"
        )

    def fetch(start: int, stop: int) -> bytes:
        return store.read_range(key, start, stop)

    file = StreamedFile(
        plate.name, facts.size_bytes, fetch,
        block_hashes=record.blocks, block_bytes=record.block_bytes,
    )  # fmt: skip
    # Named by its record too: readers keep what they found out by a plate's name.
    name = f"{plate.sha256}/{plate.record[:16]}/{plate.name}"
    return StreamedPath.of(name, file, index=record.index.encode())


def _record(store: Store, plate: PlateRef) -> PlateRecord:
    key = plate_record(plate)
    data = store.get(key)
    if data is None:
        raise missing(key, store.url)
    found = hashlib.sha256(data).hexdigest()
    if found != plate.record:
        raise IntegrityError(
            f"'{key}' has the hash {found[:12]}…, and the job was submitted with"
            f" {plate.record[:12]}…: it was changed since; remove it and submit again"
        )
    record = from_json(data, PlateRecord, what=key)
    due = -(-record.size_bytes // record.block_bytes) if record.block_bytes > 0 else -1
    if len(record.blocks) != due:
        raise IntegrityError(
            f"'{key}' has {len(record.blocks)} hashes for {record.size_bytes} bytes in blocks of"
            f" {record.block_bytes}; submit the plate again"
        )
    return record


def _described(path: Path, plate: PlateRef) -> PlateRecord:
    # PyAV comes with them, which the command line must start without.
    from bodyswap.media.index import index_clip, index_to_bytes
    from bodyswap.media.streamed import BLOCK_BYTES, read_blocks

    index = index_to_bytes(index_clip(path)).decode()
    whole, blocks, size_bytes = hashlib.sha256(), [], 0
    for block in read_blocks(path):
        whole.update(block)
        blocks.append(hashlib.sha256(block).hexdigest())
        size_bytes += len(block)
    if whole.hexdigest() != plate.sha256:
        raise PlateError(
            f"'{path}' was changed while it was submitted; submit it again once it is whole"
        )
    return PlateRecord(
        index=index, size_bytes=size_bytes, block_bytes=BLOCK_BYTES, blocks=tuple(blocks)
    )
