"""Colour spaces through the whole farm, as a person asks for them."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from bodyswap.media.exr import Compression, FrameLabel, Part, read_light, write_exr
from bodyswap.media.frame_list import FrameList
from bodyswap.media.working import PRIMARIES, Working
from bodyswap.passes.plate_facts import facts_from
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from cluster.cli.app import main
from tests.media.ffmpeg import run_ffmpeg

COUNT = 3


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rex walks, as ACEScg light that is brighter than a display's white in places."""
    folder = tmp_path_factory.mktemp("plate")
    walk = film(
        REX, load_motion("walk").turned(0.4).at_rate(Fraction(24)), Shot(width=160, height=160)
    )
    aces = Working(output="ACEScg")
    for number in range(1001, 1001 + COUNT):
        light = (aces.displayed(next(walk).rgb_HW3) * 1.1).astype(np.float16)
        channels = {name: light[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=number, rate=Fraction(24))
        part, path = Part(name="", channels=channels), folder / f"plate.{number}.exr"
        write_exr(path, [part], label, Compression.ZIP, PRIMARIES["ACEScg"])
    return folder / "plate.#.exr"


def _bodyswap(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


def _chromaticities(path: Path) -> list[float]:
    """As another reader finds them."""
    spec = OpenImageIO.ImageInput.open(str(path)).spec()
    told = {attribute.name: attribute.value for attribute in spec.extra_attribs}
    return list(told["chromaticities"])


def test_an_aces_plate_is_replaced_in_and_delivered_as_the_light_asked_for(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert not _bodyswap(
        monkeypatch, "render", plate, "--subject", "vega", "--out", out, "--codec", "exr",
        "--over", "plate", "--store", tmp_path / "store", "--set", "warmup_frames=0",
        "--set", "colour.output=Linear Rec.2020",
    )  # fmt: skip
    space = "lin_rec2020"
    working = Working(plate="ACEScg", output=space)
    facts = {fact.number: fact for fact in facts_from((out / "plate.json").read_bytes())}
    for frame in FrameList.read(out / "shot.json").frames:
        path, filmed = out / frame.name, plate.with_name(f"plate.{frame.number}.exr")
        np.testing.assert_allclose(_chromaticities(path), PRIMARIES[space], atol=1e-6)
        comp, own = read_light(path), read_light(filmed)
        kept = (comp == working.light(own).astype(np.float16)).all(axis=2)
        told = facts[frame.number]
        assert told.differing_outside == 0
        assert kept.mean() >= 1 - told.touched_share - 1e-4
        assert 0.02 < told.touched_share < 0.7


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("colour.input=ACESgc", "did you mean 'ACEScg'"),
        ("colour.output=ARRI LogC4", "no linear light"),
        ("colour.config=aces", "is not built in"),
        ("colour.view=film", "choose one of auto, plain, aces"),
    ],
)
def test_a_space_that_there_is_not_is_refused_before_anything_is_stored(
    plate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    complaint: str,
) -> None:
    words = ["submit", plate, "--subject", "vega", "--store", tmp_path / "store"]
    assert _bodyswap(monkeypatch, *words, "--set", setting) == 2
    assert complaint in capsys.readouterr().err
    assert not list((tmp_path / "store").rglob("job.yaml"))


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--over", "plate"], 2, "is HDR (Rec.2100-HLG), and h264 has 8 bits a value"),
        (["--over", "plate", "--codec", "tiff"], 2, "does not tell how its values are meant"),
        (["--over", "plate", "--codec", "tiff"], 2, "choose hevc-10 or png, which keep it"),
        (["--over", "plate", "--codec", "png"], 0, ""),
        (["--over", "plate", "--codec", "hevc-10"], 0, ""),
        (["--over", "plate", "--codec", "exr"], 0, ""),
        ([], 0, ""),
    ],
)
def test_an_hdr_plate_is_submitted_only_where_its_pixels_stay_hdr(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    complaint: str,
) -> None:
    tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    plate = tmp_path / "hdr.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=24:d=0.25", "-vf",
               f"scale=out_color_matrix=bt2020nc,format=yuv420p10le,{tags}", "-c:v", "libx265",
               "-x265-params", "log-level=error", plate)  # fmt: skip
    submit = ["submit", plate, "--subject", "vega", "--store", tmp_path / "store"]
    assert _bodyswap(monkeypatch, *submit, *words) == code
    assert complaint in capsys.readouterr().err


def test_the_spaces_that_can_be_named_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _bodyswap(monkeypatch, "colours", "--json")
    told = json.loads(capsys.readouterr().out)
    assert {"ACEScg", "ARRI LogC4", "S-Log3 S-Gamut3.Cine"} <= {
        space["name"] for space in told["spaces"]
    }
    assert not _bodyswap(monkeypatch, "colours", "--config", told["configs"][0])
    assert "ACEScg" in capsys.readouterr().out
