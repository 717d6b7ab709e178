"""The consents that ship with the project: its performers were drawn, and they say so.

It does not know stores or the performers' models. Each consent names the one weights file it
covers, so nobody can pass a person off as a packaged performer.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent / "synthetic"


def packaged_consents(subject: str) -> tuple[tuple[str, bytes], ...]:
    """Name and token of each packaged consent for a subject: one, or none."""
    found = [path for path in _FOLDER.glob("*.jws") if path.stem == subject]
    return tuple((f"the packaged consent of '{subject}'", path.read_bytes()) for path in found)
