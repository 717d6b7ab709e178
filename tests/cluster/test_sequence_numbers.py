"""Frames are called what their files call them, from the command line to the manifest."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from command_line import run_command
from PIL import Image

from bodyswap.media.sequence import label_of
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film

FIRST = 86


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames, 86 to 95, that say no rate."""
    folder = tmp_path_factory.mktemp("frames")
    walk = film(
        REX, load_motion("walk").turned(0.4).at_rate(Fraction(24)), Shot(width=160, height=160)
    )
    for number in range(FIRST, FIRST + 10):
        Image.fromarray(next(walk).rgb_HW3).save(folder / f"plate.{number:04d}.png")
    return folder / "plate.#.png"


def _asked(plate: Path, store: Path, *words: object) -> tuple[object, ...]:
    return (plate, "--subject", "vega", "--store", store, "--set", "warmup_frames=0", *words)


def test_a_rendered_sequence_keeps_its_numbers_and_takes_the_rate_it_is_told(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, store = tmp_path / "out", tmp_path / "store"
    words = ("--frames", "88-91", "--shards", "2", "--codec", "png", "--rate", "25")
    code, _, wrong = run_command(
        capsys, "render", *_asked(plate, store, "--out", out, *words), "--set", "cuts=90"
    )
    assert code == 0, wrong
    assert "do not say how fast" not in wrong
    assert [path.name for path in sorted(out.glob("shot.*.png"))] == [
        f"shot.{number:04d}.png" for number in range(88, 92)
    ]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["numbers"] == "88-91"
    assert [part["numbers"] for part in manifest["parts"]] == ["88-89", "90-91"]
    label = label_of(out / "shot.0088.png")
    assert (label.number, label.rate) == (88, 25)
    report = json.loads((out / "solve-report.json").read_text())
    assert report["people"][0]["first_frame"] == 88
    code, said, _ = run_command(capsys, "joins", "plate", "--store", store)
    assert code == 0 and said == "90  a cut of the plate\n"
    code, said, _ = run_command(capsys, "why", "plate", "render-1", "--store", store, "--json")
    assert code == 0
    sheet = ("sheet", out / "shot.#.png", "--plate", plate, "--out", tmp_path / "sheet.png")
    assert run_command(capsys, *sheet, "--frames", "88-91")[0] == 0
    code, _, wrong = run_command(capsys, "retry", "plate", "--frames", "85", "--store", store)
    assert code == 2 and "whose frames are 86-95" in wrong


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--frames", "1001-1004"), "is outside the plate, whose frames are 86-95"),
        (("--performer", "80,80@9999"), "points into frame 9999, and frames 86-95 are to be"),
        (("--frames", "88-91", "--performer", "80,80@87"), "frame 87, and frames 88-91 are to be"),
        (("--set", "cuts=86"), "cuts '86' name frame 86, but frames are 86-95"),
        (("--set", "cuts=90,96"), "cuts '90,96' name frame 96, but frames are 86-95"),
        (("--set-range", "80-81 solve.smoothing_s=0.05"), "whose frames are 86-95"),
        (("--rate", "fast"), "rate 'fast' is no frames a second; give auto, or such as 25"),
        (("--rate", "0"), "rate '0' is no frames a second"),
    ],
)
def test_numbers_that_no_file_has_are_refused_with_those_there_are(
    plate: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    wrong: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, said = run_command(capsys, "plan", *_asked(plate, tmp_path / "store", *words))
    assert code == 2 and wrong in said
    assert len(said.strip().splitlines()) == 1


def test_frames_without_a_rate_are_taken_as_24_a_second_and_that_is_told(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "do not say how fast they follow one another: taken as 24 a second; give --rate"
    code, said, _ = run_command(capsys, "plan", *_asked(plate, tmp_path / "store"))
    assert code == 0 and sentence in said
    code, said, _ = run_command(capsys, "plan", *_asked(plate, tmp_path / "store", "--rate", "24"))
    assert code == 0 and sentence not in said
    code, _, said = run_command(capsys, "submit", *_asked(plate, tmp_path / "store"))
    assert code == 0 and sentence in said


def test_a_film_has_a_clock_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.media.clips import pictures, write_clip

    clip = write_clip(tmp_path / "clip.mp4", pictures(8))
    code, _, said = run_command(
        capsys, "plan", *_asked(clip, tmp_path / "store", "--rate", "23.976")
    )
    assert code == 2 and "rate '23.976' is for frames" in said and "clip.mp4 has its own" in said


def test_a_hole_is_told_frame_by_frame(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in plate.parent.glob("plate.*.png"):
        if path.name not in ("plate.0088.png", "plate.0089.png", "plate.0092.png"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    code, _, said = run_command(
        capsys, "plan", *_asked(tmp_path / "plate.#.png", tmp_path / "store")
    )
    assert code == 3 and "lacks 88-89,92; copy the missing files" in said
