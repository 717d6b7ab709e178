"""Plates that are read where they lie, because fetching them whole would take longer than the work.

Whoever submits such a plate keeps a record beside it: its index, so that no worker reads it all to
know its frames, and a hash of every block, so that what is read is proven as a fetched file is.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bodyswap.environment import stream_over_bytes
from bodyswap.errors import IntegrityError
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
    block_bytes: int
    blocks: tuple[str, ...]


def is_streamed(store: Store, plate: PlateRef) -> bool:
    """Whether workers read the plate where it lies."""
    if plate.name.lower().endswith(_PACKED) or plate.frame_count == 1:
        return False
    facts = store.head(plate_file(plate))
    return facts is not None and facts.size_bytes > stream_over_bytes()


def keep_record(store: Store, plate: PlateRef, local: Path) -> None:
    """Write the plate's record, unless it has one; `local` is the same plate, here."""
    if store.head(plate_record(plate)) is None:
        store.put_if_absent(plate_record(plate), to_json(_described(local, plate)))


def open_plate(store: Store, plate: PlateRef) -> Path:
    """The plate as a path that readers of video open; nothing of it is fetched before.

    Without a record, all of it is read through once, and the record kept for everybody else.

    Raises:
        IntegrityError: it is not the plate of that hash.
    """
    from bodyswap.media.streamed import StreamedFile, StreamedPath

    key = plate_file(plate)
    facts = store.head(key)
    if facts is None:
        raise missing(key, store.url)

    def fetch(start: int, stop: int) -> bytes:
        return store.read_range(key, start, stop)

    data = store.get(plate_record(plate))
    if data is None:
        unknown = StreamedPath.of(plate.name, StreamedFile(plate.name, facts.size_bytes, fetch))
        data = to_json(_described(unknown, plate))
        store.put_if_absent(plate_record(plate), data)
    record = from_json(data, PlateRecord, what=plate_record(plate))
    file = StreamedFile(
        plate.name, facts.size_bytes, fetch,
        block_hashes=record.blocks, block_bytes=record.block_bytes,
    )  # fmt: skip
    return StreamedPath.of(f"{plate.sha256}/{plate.name}", file, index=record.index.encode())


def _described(path: Path, plate: PlateRef) -> PlateRecord:
    # PyAV comes with them, which the command line must start without.
    from bodyswap.media.index import index_clip, index_to_bytes
    from bodyswap.media.streamed import BLOCK_BYTES, read_blocks

    whole, blocks = hashlib.sha256(), []
    for block in read_blocks(path):
        whole.update(block)
        blocks.append(hashlib.sha256(block).hexdigest())
    if whole.hexdigest() != plate.sha256:
        raise IntegrityError(
            f"'{plate_file(plate)}' has the hash {whole.hexdigest()[:12]}…, not"
            f" {plate.sha256[:12]}…: damaged in the store"
        )
    index = index_to_bytes(index_clip(path)).decode()
    return PlateRecord(index=index, block_bytes=BLOCK_BYTES, blocks=tuple(blocks))
