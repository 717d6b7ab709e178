"""What a request's files are: asked before anything of it is written.

It does not know the store. The readers of video and models are imported when first asked, because
the command line must start without them.
"""

from pathlib import Path
from typing import Protocol


class Inspector(Protocol):
    """Reads just enough of a file to accept it."""

    def plate_frame_count(self, plate: Path) -> int:
        """How many frames the plate has. Raises PlateError where it cannot be used."""

    def subject_name(self, folder: Path) -> str:
        """The name on the subject's card. Raises SubjectError where the model cannot be used."""


class FileInspector:
    """The inspector of real plates and subjects."""

    def plate_frame_count(self, plate: Path) -> int:
        from bodyswap.media.index import index_clip

        return len(index_clip(plate))

    def subject_name(self, folder: Path) -> str:
        from bodyswap.nets.checkpoint import load_subject

        return str(load_subject(folder, "cpu").card.name)
