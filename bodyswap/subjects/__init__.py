"""The subjects that ship with the project: rendered performers, whom no one need ask.

It does not know a store's subjects; `cluster.jobs.subjects` looks there too.
"""

from pathlib import Path

from bodyswap.errors import SubjectError

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
    known = ", ".join(sorted(packaged)) or "none"
    raise SubjectError(
        f"subject '{reference}' was not found: it is neither a packaged subject ({known}) nor a "
        f"folder with a {CARD}; train one with `bodyswap train FOOTAGE --subject {folder.name}`"
    )
