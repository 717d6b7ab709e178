"""The subjects that ship with the project: rendered performers, whom no one need ask.

It does not know a store's subjects; `cluster.jobs.subjects` looks there too.
"""

from collections.abc import Iterable
from pathlib import Path

from bodyswap.errors import SubjectError
from bodyswap.spelling import near_miss

CARD = "card.yaml"


def packaged_subjects() -> dict[str, Path]:
    """Name and folder of each packaged subject."""
    root = Path(__file__).parent
    return {card.parent.name: card.parent for card in sorted(root.glob(f"*/{CARD}"))}


def find_local_subject(reference: str) -> Path:
    """The folder of a subject given by packaged name or by path.

    Raises:
        SubjectError: there is no such subject.
    """
    packaged = packaged_subjects()
    if reference in packaged:
        return packaged[reference]
    folder = Path(reference)
    if (folder / CARD).is_file():
        return folder
    raise no_subject(reference, packaged)


def no_subject(reference: str, known: Iterable[str]) -> SubjectError:
    """That the reference is of no subject, and who near it is known."""
    names = sorted(known)
    near = near_miss(reference.partition("@")[0], names)
    trains = f"train one with `bodyswap train FOOTAGE --subject {Path(reference).name}`"
    return SubjectError(
        f"subject '{reference}' was not found: it is neither one that is known"
        f" ({', '.join(names) or 'none'}) nor a folder with a {CARD}; {near or trains}"
    )
