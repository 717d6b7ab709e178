"""Folders that results are to be written into."""

from pathlib import Path
from tempfile import TemporaryDirectory


def check_writable(folder: Path) -> None:
    """Find out before long work whether its results can be written there; nothing stays behind.

    Raises:
        OSError: the folder cannot be made, or written into.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder):
        pass
    if is_new:
        folder.rmdir()
