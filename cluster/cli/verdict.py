"""What the signed verdict beside a file tells, and when it is not to be believed."""

from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.rights.provenance import Proof, read_verdict
from bodyswap.rights.sequence import LIST, list_of


def verdict_of(file: Path, anchors: str) -> Proof | None:
    """What the signed verdict beside the file, or beside its sequence's list, proves."""
    listed = file if file.suffix == LIST else list_of(file)
    return read_verdict(listed or file, anchors)


def verdict_lines(proof: Proof | None) -> list[str]:
    """Who said what of the file, in a line; none where nobody did."""
    if proof is None or proof.verdict is None:
        return []
    said = proof.verdict
    words = f"{said.ruling} by {said.by} at {said.at}{': ' if said.note else ''}{said.note}"
    return [f"verdict      {words}; {proof.state}, signed by {proof.signed_by}"]


def judge_verdict(file: Path, verdict: Proof | None) -> None:
    """A verdict that is of another file, or of a stranger, is worse than none."""
    if verdict is not None and not verdict.is_trusted:
        why = verdict.failures[0] if verdict.failures else f"signed by {verdict.signed_by}"
        raise IntegrityError(
            f"the verdict beside '{file}' is not to be believed ({why}); remove it, or fetch the"
            " job's again"
        )
