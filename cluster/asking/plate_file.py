"""A request's plate as one file, which is what a store keeps: a sequence's frames are packed.

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
    """The request, its plate a file: as it is, or the frames that its pattern means, for the block.

    Raises:
        PlateError: the pattern is of no frames, or one is missing in between.
    """
    if request.plate.is_file():
        yield request
        return
    # PyAV comes with it, which a plate that is a file needs only later.
    from bodyswap.media.frame_archive import ARCHIVE_SUFFIX, pack_sequence
    from bodyswap.media.sequence import is_sequence

    if not is_sequence(request.plate):
        yield request
        return
    name = re.split(r"[.#@%]", request.plate.name)[0]
    with TemporaryDirectory(prefix="bodyswap-plate-") as folder:
        packed = Path(folder) / f"{key_part(name)}{ARCHIVE_SUFFIX}"
        pack_sequence(request.plate, packed)
        yield replace(request, plate=packed)
