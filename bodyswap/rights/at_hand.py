"""The consents on this machine: those the operator keeps beside rights.yaml, and the packaged ones.

The project's performers were drawn, and their packaged consents say so; each names the one weights
file it covers, so nobody can pass a person off as one of them. It does not know stores, and
believes nothing: `consent` proves a token, `trust` tells whose signature counts.
"""

import re
from functools import lru_cache
from pathlib import Path

from bodyswap.environment import rights_file

_PACKAGED = Path(__file__).parent / "synthetic"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def consents_at_hand(subject: str) -> tuple[tuple[str, bytes], ...]:
    """Source and token of everything here that claims to be a consent for a subject."""
    if not _NAME.fullmatch(subject):
        return ()
    folder = rights_file().parent / "consents" / subject
    kept = ((str(path), path.read_bytes()) for path in sorted(folder.glob("*.jws")))
    return (*kept, *packaged_consents(subject))


@lru_cache(maxsize=64)
def packaged_consents(subject: str) -> tuple[tuple[str, bytes], ...]:
    """Source and token of each packaged consent for a subject: one, or none."""
    found = [path for path in _PACKAGED.glob("*.jws") if path.stem == subject]
    return tuple((f"the packaged consent of '{subject}'", path.read_bytes()) for path in found)
