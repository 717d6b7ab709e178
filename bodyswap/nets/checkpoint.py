"""A subject as a folder: card.yaml, generator.safetensors, background.png, and what lies beside.

It does not know what the files beside are, nor how a subject is trained or where folders come from.

Shape letters: H rows, W columns, 3 = red, green, blue, 8-bit.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from bodyswap.errors import SubjectError
from bodyswap.frames import RGB
from bodyswap.nets.card import SubjectCard, read_card
from bodyswap.nets.generator import Generator

CARD = "card.yaml"
WEIGHTS = "generator.safetensors"
BACKGROUND = "background.png"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person ready to be rendered."""

    card: SubjectCard
    generator: Generator
    background_HW3: RGB


def save_subject(
    folder: Path,
    card: SubjectCard,
    weights: Mapping[str, Tensor],
    background_HW3: RGB,
    beside: Mapping[str, bytes] | None = None,
) -> SubjectCard:
    """Write the folder at once or not at all; weights become fp16. Returns the card as written.

    A folder that is already there is replaced. `beside` are files to travel with the subject.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (scratch / WEIGHTS).write_bytes(save(_halved(weights)))
        Image.fromarray(background_HW3).save(scratch / BACKGROUND, optimize=True)
        for name, data in (beside or {}).items():
            (scratch / name).write_bytes(data)
        names = (WEIGHTS, BACKGROUND, *(beside or {}))
        hashes = {name: _sha256(scratch / name) for name in names}
        written = replace(card, files=hashes)
        (scratch / CARD).write_text(written.to_text())
        scratch.chmod(0o755)
        _replace_folder(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return written


def load_subject(folder: Path, device: torch.device | str) -> Subject:
    """The subject in `folder`, their generator on `device`, in evaluation mode and fp32.

    Raises:
        SubjectError: a file is missing, damaged or not the one the card names.
    """
    card = load_card(folder)
    weights = _load_weights(folder, _verified(folder, WEIGHTS, card))
    background_HW3 = _load_background(folder, card)
    _check_fit(folder, card, weights)
    generator = Generator(card.generator)
    generator.load_state_dict({name: value.float() for name, value in weights.items()})
    generator.requires_grad_(False).eval().to(device)
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return Subject(card=card, generator=generator, background_HW3=background_HW3)


def load_card(folder: Path) -> SubjectCard:
    """The card alone: quick, and no weights are checked."""
    path = folder / CARD
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SubjectError(f"'{folder}' is no subject: cannot read its {CARD}") from error
    return read_card(text, str(path))


def read_beside(folder: Path, name: str) -> bytes | None:
    """A file that travels with the subject, or None where the card lists none of that name.

    Raises:
        SubjectError: it is missing or damaged, or the folder is no subject.
    """
    card = load_card(folder)
    return _verified(folder, name, card) if name in card.files else None


def put_beside(folder: Path, name: str, data: bytes) -> None:
    """Add a file to a subject, or replace it, and list it in the card."""
    card = load_card(folder)
    (folder / name).write_bytes(data)
    files = {**card.files, name: _sha256(folder / name)}
    put_card(folder, replace(card, files=files))


def put_card(folder: Path, card: SubjectCard) -> None:
    """Replace a subject's card, at once or not at all."""
    scratch = folder / f".{CARD}"
    scratch.write_text(card.to_text())
    scratch.replace(folder / CARD)


def _halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().half().contiguous() for name, value in weights.items()}


def _replace_folder(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.replace(old / folder.name)
    new.rename(folder)
    shutil.rmtree(old)


def _verified(folder: Path, name: str, card: SubjectCard) -> bytes:
    path = folder / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubjectError(f"'{path}' is missing; the subject is incomplete") from error
    wanted, got = card.files.get(name), hashlib.sha256(data).hexdigest()
    if got != wanted:
        raise SubjectError(
            f"'{path}' is damaged or replaced: SHA-256 {got[:12]}…, the card says "
            f"{(wanted or 'nothing')[:12]}…; fetch the subject again"
        )
    return data


def _load_weights(folder: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return load(data)
    except SafetensorError as error:
        raise SubjectError(f"'{folder / WEIGHTS}' is not a safetensors file: {error}") from error


def _check_fit(folder: Path, card: SubjectCard, weights: Mapping[str, Tensor]) -> None:
    """Refuse before any memory is taken that the weights file does not account for."""
    with torch.device("meta"):
        wanted = Generator(card.generator).state_dict()
    shapes = {name: value.shape for name, value in weights.items()}
    if shapes != {name: value.shape for name, value in wanted.items()}:
        raise SubjectError(
            f"{folder / WEIGHTS} does not fit the card's generator; publish the subject anew"
        )


def _load_background(folder: Path, card: SubjectCard) -> RGB:
    _verified(folder, BACKGROUND, card)
    try:
        with Image.open(folder / BACKGROUND, formats=("PNG",)) as picture:
            # The size is known before any pixel is read: one that would fill memory never is.
            if picture.size != (card.width, card.height):
                raise SubjectError(
                    f"'{folder / BACKGROUND}' is {picture.width}x{picture.height}; "
                    f"the card says {card.width}x{card.height}"
                )
            return np.array(picture.convert("RGB"))  # a copy: torch wants it writable
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SubjectError(f"'{folder / BACKGROUND}' cannot be read as PNG: {error}") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
