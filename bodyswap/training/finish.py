"""Finishes a trained subject: measures what they are worth, and writes it into their card.

It does not know training, or where the held-out footage comes from.
"""

import io
import tempfile
from dataclasses import replace
from math import isfinite, isnan
from pathlib import Path

import torch
from PIL import Image

from bodyswap.nets.card import SubjectCard
from bodyswap.nets.checkpoint import Subject, load_card, load_subject, put_beside, put_card
from bodyswap.nets.figures import HeldOut
from bodyswap.training.contraction import measure_contraction
from bodyswap.training.contraction_picture import draw_contraction
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.samples import write_samples
from bodyswap.training.score import score_subject

CONTRACTION_FILE = "contraction.png"
SAMPLES_FILE = "samples.png"

_MOST_DB = 99.0
"""A card's stand-in for the infinite PSNR of pictures that are equal to the bit."""


def finish_subject(
    folder: Path, held_out: SubjectFootage, device: torch.device | str
) -> SubjectCard:
    """Measure the subject on footage they were not trained on; both pictures go beside the card.

    The card's `warmup_frames` become what was measured, or all that were measured where the
    subject never forgot their start. The figures are written last, so that a card that has them
    has the pictures too. Returns the card as written.

    Raises:
        SubjectError: the folder is no whole subject.
    """
    subject = load_subject(folder, device)
    contraction = measure_contraction(subject.generator, held_out, device=device)
    figures = _held_out(subject, held_out)
    picture = io.BytesIO()
    Image.fromarray(draw_contraction(contraction)).save(picture, format="PNG", optimize=True)
    put_beside(folder, CONTRACTION_FILE, picture.getvalue())
    put_beside(folder, SAMPLES_FILE, _samples(subject, held_out))
    warmup_frames = contraction.warmup_frames
    card = replace(
        load_card(folder),
        contraction=contraction,
        held_out=figures,
        warmup_frames=contraction.measured_frames if warmup_frames is None else warmup_frames,
    )
    put_card(folder, card)
    return card


def _held_out(subject: Subject, footage: SubjectFootage) -> HeldOut:
    score = score_subject(subject, footage)
    person_db = score.person_psnr_db
    return HeldOut(
        frames=score.frames,
        psnr_db=_decibels(score.psnr_db),
        person_psnr_db=None if isnan(person_db) else _decibels(person_db),
        ssim=round(score.ssim, 4),
        face_ssim=_rounded(score.face_ssim),
        warping_error=_rounded(score.warping_error),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _decibels(value: float) -> float:
    return round(value, 2) if isfinite(value) else _MOST_DB


def _samples(subject: Subject, footage: SubjectFootage) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / SAMPLES_FILE
        write_samples(path, subject.generator, footage)
        return path.read_bytes()
