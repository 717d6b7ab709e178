"""A sequence as one file, so that a store holds a plate as one object: a zip, nothing packed.

It does not know what the frames show. The same frames give the same bytes.
"""

import shutil
import zipfile
from pathlib import Path

from bodyswap.errors import PlateError
from bodyswap.media.sequence import SUFFIXES, find_files

ARCHIVE_SUFFIX = ".zip"


def pack_sequence(pattern: Path, out: Path) -> None:
    """Write the sequence's files, each under its own name, to `out`.

    Raises:
        PlateError: there are none, or one is missing in between.
    """
    _, files = find_files(pattern)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            # Without the file's own date: a copy of the frames is the same plate.
            info = zipfile.ZipInfo(path.name)
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def unpack_sequence(archive: Path) -> tuple[Path, ...]:
    """The archive's frames, in order, as files in a folder beside it; unpacked once.

    Raises:
        PlateError: it is no archive of frames, or is damaged.
    """
    folder = archive.with_name(f"{archive.name}.frames")
    if not folder.is_dir():
        partial = archive.with_name(f".{archive.name}.{id(archive)}.partial")
        try:
            _unpack(archive, partial)
            partial.replace(folder)
        except (zipfile.BadZipFile, OSError) as error:
            # Another process of this machine may have been quicker.
            if not folder.is_dir():
                raise PlateError(f"{archive} cannot be unpacked: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return tuple(sorted(folder.iterdir()))


def _unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            name = entry.filename
            if entry.compress_type != zipfile.ZIP_STORED:
                raise PlateError(f"{archive} packs '{name}'; frames are stored as they are")
            if Path(name).name != name or Path(name).suffix.lower() not in SUFFIXES:
                raise PlateError(f"{archive} holds '{name}', which is no frame of a sequence")
        opened.extractall(folder)
