"""What was measured of a subject is read back as it was written, and must hang together."""

from dataclasses import replace

import pytest

from bodyswap.errors import SubjectError
from bodyswap.nets.card import read_card
from bodyswap.nets.figures import Contraction, HeldOut
from bodyswap.subjects import CARD as CARD_FILE
from bodyswap.subjects import find_local_subject
from tests.nets.test_checkpoint import CARD

CONTRACTION = Contraction.of({"zeros": (9.0, 0.2, 0.1), "noise": (40.0, 3.0, 0.25)})
HELD_OUT = HeldOut(frames=40, psnr_db=29.5, person_psnr_db=21.25, ssim=0.97, lpips=0.04)
MEASURED = replace(CARD, contraction=CONTRACTION, held_out=HELD_OUT)


def test_a_measured_card_is_read_back_as_it_was_written() -> None:
    assert read_card(MEASURED.to_text(), "card") == MEASURED


def test_a_card_from_before_there_were_measurements_reads_as_unmeasured() -> None:
    text = CARD.to_text().replace("contraction: null\n", "").replace("held_out: null\n", "")
    assert text.count("\n") == CARD.to_text().count("\n") - 2
    assert read_card(text, "card") == CARD
    shipped = (find_local_subject("vega") / CARD_FILE).read_text()
    assert read_card(shipped, "card").name == "vega"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  tolerance:", "  tolerence:", "did you mean 'contraction.tolerance'"),
        ("  face_ssim:", "  face_sim:", "did you mean 'held_out.face_ssim'"),
        ("  warmup_frames: 3", "  warmup_frames: 2", "is 2, but its curves say 3"),
        ("frames: 40", "frames: 0", "at least 1"),
        ("    - 3.0\n", "", "equally long"),
        ("    - 3.0\n", "    - .nan\n", "finite"),
    ],
)
def test_measurements_that_cannot_be_meant_are_refused(old: str, new: str, message: str) -> None:
    text = MEASURED.to_text()
    assert old in text
    with pytest.raises(SubjectError, match=message):
        read_card(text.replace(old, new), "card")


@pytest.mark.parametrize(
    ("curves", "warmup_frames"),
    [
        ({"zeros": (0.0, 0.0)}, 1),
        ({"zeros": (8.0, 0.49, 0.1)}, 2),
        ({"zeros": (8.0, 0.5, 0.1)}, 3),
        ({"zeros": (8.0, 0.1, 0.1), "noise": (9.0, 7.0, 0.3)}, 3),
        ({"zeros": (8.0, 0.1, 2.0, 0.1)}, 4),
        ({"zeros": (8.0, 0.1, 2.0)}, None),
    ],
)
def test_a_render_is_warm_once_every_start_stays_forgotten(
    curves: dict[str, tuple[float, ...]], warmup_frames: int | None
) -> None:
    assert Contraction.of(curves).warmup_frames == warmup_frames
