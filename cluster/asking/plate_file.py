"""A request's plates as one file each, which is what a store keeps: sequences are packed.

It does not know the store.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster.asking.submit import JobRequest
from cluster.jobs.keys import key_part


@contextmanager
def single_file(request: JobRequest) -> Iterator[JobRequest]:
    """The request, its plate and clean plate files: as they are, or the frames that their patterns
    mean, for the block.

    Raises:
        PlateError: a pattern is of no frames, or one is missing in between.
    """
    with TemporaryDirectory(prefix="bodyswap-plate-") as folder:
        clean = request.clean_plate
        yield replace(
            request,
            plate=_packed(request.plate, Path(folder) / "plate"),
            clean_plate=None if clean is None else _packed(clean, Path(folder) / "clean"),
        )


def _packed(plate: Path, folder: Path) -> Path:
    if plate.is_file():
        return plate
    # PyAV comes with it, which a plate that is a file needs only later.
    from bodyswap.media.frame_archive import ARCHIVE_SUFFIX, pack_sequence
    from bodyswap.media.sequence import is_sequence

    if not is_sequence(plate):
        return plate
    name = re.split(r"[.#@%]", plate.name)[0]
    folder.mkdir()
    packed = folder / f"{key_part(name)}{ARCHIVE_SUFFIX}"
    pack_sequence(plate, packed)
    return packed
