"""What a request's files are: asked before anything of it is written.

It does not know the store. The readers of video and models are imported when first asked, because
the command line must start without them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bodyswap.config import ColourSettings, Over, RenderSettings
from bodyswap.errors import UsageError
from bodyswap.media.probe import probe
from bodyswap.rights.trust import operator_trust
from bodyswap.timing import AUTO_RATE, FIRST_FRAME_NUMBER, FrameRange


@dataclass(frozen=True, kw_only=True)
class PlateFacts:
    """How many frames a plate has, and what the first is called; `has_rate` where it says one."""

    frame_count: int
    first_number: int = FIRST_FRAME_NUMBER
    has_rate: bool = True


@dataclass(frozen=True, kw_only=True)
class SubjectFacts:
    """A subject's name, and the names of the files that are their model, card included."""

    name: str
    files: tuple[str, ...]


class Inspector(Protocol):
    """Reads just enough of a file to accept it."""

    def plate(self, plate: Path) -> PlateFacts:
        """What the plate is, which nobody has looked at yet.

        Raises PlateError where it cannot be used, or is beyond what the operator allows.
        """

    def subject(self, folder: Path) -> SubjectFacts:
        """Who is in the folder. Raises SubjectError where the model cannot be used."""

    def check_pose_model(self, model: str, card: str) -> None:
        """Refuse a pose model whose joints are not those of the subject of this card.

        Raises ModelError or SubjectError.
        """

    def check_settings(self, settings: RenderSettings, plate: Path) -> None:
        """Refuse colour spaces that there are not, what would lose the plate's HDR, and a rate for
        a plate that has its own.

        Raises UsageError, and PlateError where nothing tells what the plate's values are.
        """

    def check_poses(self, poses: Path, plate: Path, frames: FrameRange, card: str) -> None:
        """Whether the file has poses of these frames of the plate, for the subject of this card.

        Raises UsageError or SubjectError where not.
        """

    def check_clean_plate(self, clean_plate: Path, plate: Path, frames: FrameRange) -> None:
        """Whether a clean plate goes with these frames of the plate; both were looked at before.

        Raises UsageError where not.
        """

    def pinned(self, settings: RenderSettings) -> RenderSettings:
        """The settings with a hash of every file that they name by its path.

        Raises ModelError where one cannot be used.
        """


class FileInspector:
    """The inspector of real plates and subjects."""

    def plate(self, plate: Path) -> PlateFacts:
        found = probe(plate, operator_trust().limits)
        return PlateFacts(
            frame_count=found.frame_count, first_number=found.first_number, has_rate=found.has_rate
        )

    def subject(self, folder: Path) -> SubjectFacts:
        from bodyswap.nets.checkpoint import CARD, load_subject

        card = load_subject(folder, "cpu").card
        return SubjectFacts(name=card.origin.subject, files=(CARD, *sorted(card.files)))

    def check_pose_model(self, model: str, card: str) -> None:
        from bodyswap.nets.card import read_card
        from bodyswap.passes.pairing import check_pose_model

        check_pose_model(model, read_card(card, "the subject's card"))

    def check_settings(self, settings: RenderSettings, plate: Path) -> None:
        from bodyswap.media.frame_archive import ARCHIVE_SUFFIX

        if settings.rate != AUTO_RATE and plate.suffix.lower() != ARCHIVE_SUFFIX:
            raise UsageError(
                f"rate '{settings.rate}' is for frames, such as plate.#.exr; {plate.name} has its"
                " own times, which are kept"
            )
        if settings.colour == ColourSettings() and settings.over != Over.PLATE:
            return
        from bodyswap.encode import check_hdr_kept
        from bodyswap.media.index import in_colour, index_clip
        from bodyswap.media.working import Working

        Working().chosen(settings.colour)
        # Only films tell of HDR; frames are not unpacked to be asked.
        if settings.over == Over.PLATE and plate.suffix != ARCHIVE_SUFFIX:
            check_hdr_kept(settings, in_colour(index_clip(plate), settings.colour))

    def check_poses(self, poses: Path, plate: Path, frames: FrameRange, card: str) -> None:
        from bodyswap.media.index import index_clip
        from bodyswap.nets.card import read_card
        from bodyswap.passes.fitting import given_poses

        skeleton = read_card(card, "the subject's card").skeleton
        given_poses(poses, index_clip(plate), frames, skeleton=skeleton)

    def check_clean_plate(self, clean_plate: Path, plate: Path, frames: FrameRange) -> None:
        from bodyswap.media.index import index_clip
        from bodyswap.passes.clean_plate import fit_clean_plate

        fit_clean_plate(index_clip(clean_plate), index_clip(plate), frames)

    def pinned(self, settings: RenderSettings) -> RenderSettings:
        from bodyswap.replacing.segmenter import pinned

        return pinned(settings)
