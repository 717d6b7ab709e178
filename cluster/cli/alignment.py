"""Whether a delivery lines up with its plate, for `bodyswap verify FILE --plate PLATE`.

It does not know how that is measured, only how it is told.
"""

from collections.abc import Sequence
from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.media.index import index_clip
from bodyswap.media.sequence import pattern_of
from bodyswap.media.verify import Finding, verify_delivery
from bodyswap.rights.sequence import LIST, listed_in
from bodyswap.timing import parse_frame_range


def line_up(file: Path, plate: Path | None, frames: str | None) -> tuple[Finding, ...]:
    """What must agree between the file, or the frames that it lists, and those of the plate."""
    if plate is None:
        return ()
    part = parse_frame_range(frames, len(index_clip(plate))) if frames else None
    shot = pattern_of(listed_in(file)[0]) if file.suffix == LIST else file
    return verify_delivery(shot, plate, part)


def alignment_lines(findings: Sequence[Finding]) -> list[str]:
    """A line a finding."""
    return [f"{each.name:<20} {_words(each)}" for each in findings]


def check_alignment(file: Path, findings: Sequence[Finding]) -> None:
    """Raises IntegrityError where something does not agree."""
    apart = [each for each in findings if not each.is_equal]
    if apart:
        told = "; ".join(f"{each.name}: {_words(each)}" for each in apart)
        raise IntegrityError(f"'{file}' does not line up with its plate: {told}")


def _words(finding: Finding) -> str:
    if finding.is_equal:
        return f"as the plate's: {finding.plate or 'none'}"
    return f"{finding.delivery or 'none'}, where the plate has {finding.plate or 'none'}"
