"""Verdict: what somebody said of a delivered file, as the manifest beside it tells it.

Values and plain data; it does not sign. The file itself stays as it was signed: the verdict's
manifest has it as its parent, and holds the hash of all its bytes.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

VERDICT = ".verdict.c2pa"
"""What the name of a verdict's manifest ends with, behind the whole name of the file."""
_FACTS = "bodyswap.verdict"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Somebody's word on a job's shot: `ruling` is approved or rejected, `at` says when, UTC."""

    job: str
    ruling: str
    by: str
    at: str
    note: str = ""


def verdict_beside(file: Path) -> Path:
    """Where the verdict on a file lies."""
    return file.with_name(file.name + VERDICT)


def manifest_of_verdict(file: Path, verdict: Verdict, software: str) -> dict[str, object]:
    """The C2PA manifest of a verdict, but for the judged file, which is added as its parent."""
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["judged"]}}
    judged = {
        "action": f"bodyswap.{verdict.ruling}",
        "when": verdict.at,
        "description": f"{verdict.ruling} by {verdict.by}",
    }
    return {
        "title": f"{verdict.ruling}: {file.name}",
        "claim_generator_info": [{"name": "bodyswap", "version": software.split()[-1]}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [opened, judged]}},
            {"label": _FACTS, "data": msgspec.to_builtins(verdict)},
        ],
    }


def verdict_told(label: str, data: object) -> Verdict | None:
    """What an assertion tells, if it is a verdict of this version's; another program's is None."""
    if label != _FACTS:
        return None
    try:
        return msgspec.convert(data, Verdict)
    except msgspec.ValidationError:
        return None
