"""A five-shot EDL of two short plates, a film and frames, rendered through the whole farm."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from command_line import run_command

from bodyswap.media.colour import linear_light
from bodyswap.media.exr import Compression, FrameLabel, Part, write_exr
from bodyswap.media.index import index_clip
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timecode import Timecode
from cluster.cli.app import main
from tests.media.clips import steady, write_clip

RATE = Fraction(24)
EVENTS = [("R1", 4, 7), ("R2", 2, 5), ("R1", 0, 2), ("R2", 7, 10), ("R1", 8, 10)]


def _edl(path: Path) -> Path:
    lines = ["TITLE: STUNTS", "FCM: NON-DROP FRAME", ""]
    record = 0
    for place, (reel, start, stop) in enumerate(EVENTS, start=1):
        used = f"01:00:00:{start:02d} 01:00:00:{stop:02d}"
        shown = f"00:00:00:{record:02d} 00:00:00:{record + stop - start:02d}"
        lines += [f"{place:03d}  {reel}       V     C        {used} {shown}"]
        lines += [f"* FROM CLIP NAME: {reel}.mov"]
        record += stop - start
    path.write_text("\n".join(lines) + "\n")
    return path


def _plates(folder: Path) -> Path:
    folder.mkdir()
    walk = film(REX, load_motion("walk").turned(0.4).at_rate(RATE), Shot(width=160, height=160))
    made = [next(walk).rgb_HW3 for _ in range(10)]
    names = {"timecode": "01:00:00:00", "reel_name": "R1"}
    write_clip(folder / "R1.mov", made, timeline=steady(10, RATE), names=names)
    start = Timecode.parse("01:00:00:00", RATE)
    (folder / "R2").mkdir()
    for index, picture in enumerate(made):
        light = linear_light(picture).astype(np.float16)
        channels = {name: light[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=86400 + index, rate=RATE, timecode=start + index, reel="R2")
        path = folder / "R2" / f"R2.{label.number:07d}.exr"
        write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)
    return folder


def test_a_five_shot_edl_is_rendered_and_comes_back_as_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["conform", _edl(tmp_path / "cut.edl"), "--plates", _plates(tmp_path / "plates"),
             "--subject", "vega", "--out", out, "--handles", "1", "--codec", "prores-4444",
             "--store", tmp_path / "store", "--set", "warmup_frames=0", "--json"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    assert not ending.value.code
    told = json.loads(capsys.readouterr().out)
    assert list(told["shots"]) == [f"SHOT_00{place}0" for place in range(1, 6)]
    edit = otio.adapters.read_from_file(told["edit"])
    expected = [(3, 8), (1, 6), (0, 3), (6, 10), (7, 10)]
    for clip, (start, stop) in zip(edit.find_clips(), expected, strict=True):
        render = clip.media_references()["render"]
        shot = index_clip(Path(render.target_url))
        assert len(shot) == render.available_range.duration.value == stop - start
        assert str(shot.custody.timecode) == f"01:00:00:{start:02d}"
        assert render.available_range.start_time.value == 24 * 3600 + start
        plate = clip.media_references()["plate"]
        assert plate.available_range.start_time.value == 24 * 3600
        if clip.name.startswith("R2"):
            assert plate.target_url_for_image_number(0).endswith("/plates/R2/R2.0086400.exr")
        else:
            assert plate.target_url.endswith("/plates/R1.mov")
    first = out / "SHOT_0010_comp_v001"
    assert (first / "SHOT_0010_comp_v001.mov").is_file()
    assert (first / "SHOT_0010_comp_v001.manifest.json").is_file()
    assert (first / "SHOT_0010_comp_v001.frames.json").is_file()


def test_a_rate_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["conform", _edl(tmp_path / "cut.edl"), "--plates", tmp_path, "--subject", "vega",
             "--out", tmp_path / "out", "--rate", "fast"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert "rate 'fast' is no frames a second" in capsys.readouterr().err


def test_an_otio_of_something_else_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.otio"
    write_clip(tmp_path / "walk.mov", [np.zeros((64, 64, 3), np.uint8)] * 2)
    for text in ('{"OTIO_SCHEMA": "Nope.1"}', '{"OTIO_SCHEMA": "Gap.1", "name": "g"}'):
        cut.write_text(text)
        words = ("conform", cut, "--plates", tmp_path, "--subject", "vega", "--out", tmp_path / "o")
        code, _, wrong = run_command(capsys, *words)
        assert code == 2 and "cut.otio holds no timeline; export the edit" in wrong


def test_where_nothing_may_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plate = write_clip(tmp_path / "walk.mov", [np.zeros((64, 64, 3), np.uint8)] * 2)
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "file" / "out"
    for words in (
        ("render", plate, "--subject", "vega", "--out", out, "--store", tmp_path / "store"),
        ("pose", plate, "--out", out),
    ):
        code, _, wrong = run_command(capsys, *words)
        assert code == 2 and "file/out': Not a directory" in wrong
        assert len(wrong.strip().splitlines()) == 1
    assert not list((tmp_path / "store").rglob("commit.json"))
