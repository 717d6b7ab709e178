"""Provenance for a sequence of frames: one list of their hashes, and one sidecar that signs it.

It does not know C2PA or pictures; the list is plain `sha256sum` text, so others can check it too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bodyswap.errors import InputError
from bodyswap.rights.origin import Origin
from bodyswap.rights.provenance import Proof, Seal, Sealed, read_proof, seal_file

LIST = ".sha256"


def seal_sequence(
    frames: Sequence[Path], plate: Path, out: Path, origin: Origin, seal: Seal
) -> Sealed:
    """Write the list of the frames' hashes to `out`, NAME.sha256, and its sidecar beside it.

    Raises:
        UsageError: the seal cannot be used.
    """
    lines = [f"{_sha256(frame)}  {frame.name}\n" for frame in sorted(frames)]
    unsigned = out.with_name(f".{out.name}")
    unsigned.write_text("".join(lines))
    try:
        return seal_file(unsigned, plate, out, origin, seal)
    finally:
        unsigned.unlink()


def list_of(frame: Path) -> Path | None:
    """The list beside the frame that names it, or None."""
    for listed in sorted(frame.parent.glob(f"*{LIST}")):
        if any(line.partition("  ")[2] == frame.name for line in _lines(listed)):
            return listed
    return None


def read_sequence_proof(listed: Path, anchors: str) -> Proof | None:
    """What the list's sidecar proves, and whether every frame beside it is the one that was listed.

    Raises:
        InputError: the list or its sidecar cannot be read.
    """
    proof = read_proof(listed, anchors)
    if proof is None:
        return None
    wrong = [trouble for line in _lines(listed) if (trouble := _check(listed.parent, line))]
    if not wrong:
        return proof
    return replace(proof, state="Invalid", failures=(*proof.failures, *wrong))


def _check(folder: Path, line: str) -> str:
    """What is wrong with one listed frame, or nothing."""
    digest, _, name = line.partition("  ")
    if not name or Path(name).name != name:
        return f"sequence.malformed: '{line[:80]}' names no frame"
    frame = folder / name
    if not frame.is_file():
        return f"sequence.missing: {name} is not there"
    return "" if _sha256(frame) == digest else f"sequence.mismatch: {name} was changed"


def _lines(listed: Path) -> list[str]:
    try:
        return listed.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the list of frames '{listed}': {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
