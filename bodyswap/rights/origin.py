"""Origin: what a delivered file is made of, and by whose word, as its manifest tells it.

Values and plain data; it does not sign.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

_COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_FACTS = "bodyswap.render"
_NO_MINING = (
    "cawg.ai_generative_training", "cawg.ai_training", "cawg.ai_inference", "cawg.data_mining",
)  # fmt: skip
BYTES = "application/octet-stream"
"""The format of what has none that C2PA knows."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Somebody rendered into a shot: by which model, on which consent."""

    subject: str
    checkpoint: str
    consent: str


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a delivered file is: whose word, which model, which job.

    `others` are rendered into the same shot beside the subject.
    """

    job: str
    subject: str
    checkpoint: str
    consent: str
    plate_sha256: str
    frames: str
    production: str
    shot: str
    software: str
    approved_by: str = ""
    others: tuple[Rendered, ...] = ()

    @property
    def everybody(self) -> tuple[Rendered, ...]:
        """The subject, then the others."""
        lead = Rendered(subject=self.subject, checkpoint=self.checkpoint, consent=self.consent)
        return (lead, *self.others)


def manifest_of(file: Path, origin: Origin) -> dict[str, object]:
    """The C2PA manifest of a file, but for the plate, which is added as its parent."""
    everybody = origin.everybody
    performers = "performer" if len(everybody) == 1 else "performers"
    names = ", ".join(one.subject for one in everybody)
    ingredients = list(_ingredients(everybody))
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["plate"]}}
    edited = {
        "action": "c2pa.edited",
        "digitalSourceType": _COMPOSITE,
        "description": f"{names} rendered into the motion of the plate's {performers}",
        "parameters": {"ingredientIds": [each["label"] for each in ingredients]},
    }
    mining = {name: {"use": "notAllowed"} for name in _NO_MINING}
    return {
        "title": file.name,
        "claim_generator_info": [{"name": "bodyswap", "version": origin.software.split()[-1]}],
        "ingredients": ingredients,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [opened, edited]}},
            {"label": "cawg.training-mining", "data": {"entries": mining}},
            {"label": _FACTS, "data": msgspec.to_builtins(origin)},
        ],
    }


def origin_told(label: str, data: object) -> Origin | None:
    """What an assertion tells, if it is this version's; another program's is None."""
    if label != _FACTS:
        return None
    try:
        return msgspec.convert(data, Origin)
    except msgspec.ValidationError:
        return None


def _ingredients(everybody: tuple[Rendered, ...]) -> Iterator[dict[str, str]]:
    for place, one in enumerate(everybody, start=1):
        number = f"-{place}" if place > 1 else ""
        yield _ingredient(
            f"checkpoint{number}", f"sha256:{one.checkpoint}", f"model of {one.subject}"
        )
        yield _ingredient(f"consent{number}", one.consent, f"consent for {one.subject}")


def _ingredient(label: str, instance: str, title: str) -> dict[str, str]:
    return {
        "label": label,
        "title": title,
        "instance_id": instance,
        "format": BYTES,
        "relationship": "inputTo",
    }
