"""A performer replaced in their own plate, through the farm's stages and the command line."""

import json
import sys
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.ensemble import Role, film_together
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, empty_set, film
from bodyswap.timing import FrameRange, Timeline
from cluster.cli.app import main

COUNT = 5


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rex running past, losslessly."""
    path = tmp_path_factory.mktemp("plate") / "rex.mp4"
    motion = load_motion("walk").turned(0.4).at_rate(Fraction(24))
    grain = np.random.default_rng(3)
    pictures = [
        (frame.rgb_HW3 + grain.normal(0, 1.5, frame.rgb_HW3.shape)).clip(0, 255).astype(np.uint8)
        for frame in islice(film(REX, motion, Shot(width=288, height=256)), COUNT)
    ]
    timeline = Timeline(pts=tuple(range(COUNT)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames = FrameRange(start=0, stop=COUNT)
    encode(pictures, path, timeline=timeline, frames=frames, codec=CODECS["ffv1"])
    return path


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, arguments)])
    with pytest.raises(SystemExit) as ending:
        main()
    assert not ending.value.code


def _pictures(path: Path) -> list[RGB]:
    clip = index_clip(path)
    return [picture for batch in decode(clip, clip.frames) for picture in batch.rgb_NHW3]


def test_a_replaced_plate_is_untouched_outside_the_matte_for_any_shards(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = []
    for shards in ("1", "2"):
        out = tmp_path / shards
        _run(
            monkeypatch, "render", plate, "--subject", "vega", "--out", out, "--over", "plate",
            "--store", tmp_path / "store", "--codec", "ffv1", "--shards", shards,
            "--set", "join_tolerance=0", "--set", "warmup_frames=0",
        )  # fmt: skip
        joins = json.loads((out / "joins.json").read_text())
        # Without a warm-up the join shows, and is mended: of the plate too.
        assert [join["mended_frames"] > 0 for join in joins] == [True] * (int(shards) - 1)
        shots.append(_pictures(out / "shot.mp4"))
        told = json.loads((out / "plate.json").read_text())
        assert [frame["number"] for frame in told] == list(range(1001, 1001 + COUNT))
        for frame in told:
            assert frame["differing_outside"] == frame["differing_outside_in_file"] == 0
            assert 0.02 < frame["touched_share"] < 0.5
        manifest = json.loads((out / "manifest.json").read_text())
        assert "plate.json" in {file["name"] for file in manifest["deliverables"]}
    own = _pictures(plate)
    for one, other, filmed in zip(*shots, own, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.shape == filmed.shape
        differs = (one != filmed).any(axis=2)
        assert 0.02 < differs.mean() < 0.5


def test_one_performer_is_replaced_and_another_removed_before_a_given_clean_plate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot, count = Shot(width=288, height=224), 2
    walk = load_motion("walk").turned(0.4).at_rate(Fraction(24))
    walk = walk.at(walk.time_T[:count])
    cast = [
        Role(performer=REX, motion=walk, offset_m=(0.6, 0.6)),
        Role(performer=VEGA, motion=walk, offset_m=(-0.6, -0.6)),
    ]
    filmed = list(film_together(cast, shot))
    plate, clean = tmp_path / "two.mp4", tmp_path / "set.png"
    timeline = Timeline(pts=tuple(range(count)), time_base=Fraction(1, 24), rate=Fraction(24))
    encode(
        [frame.rgb_HW3 for frame in filmed], plate, timeline=timeline,
        frames=FrameRange(start=0, stop=count), codec=CODECS["ffv1"],
    )  # fmt: skip
    cv2.imwrite(str(clean), empty_set(shot)[:, :, ::-1])
    out = tmp_path / "out"
    _run(
        monkeypatch, "render", plate, "--out", out, "--store", tmp_path / "store", "--over",
        "plate", "--performer", "2=none", "--performer", "1=vega", "--clean-plate", clean,
        "--codec", "ffv1", "--shards", "1",
    )  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["subject"]["name"] == "vega"
    assert [(each["performer"], each["subject"]) for each in manifest["cast"]] == [("2", None)]
    assert manifest["clean_plate"]["name"] == "set.png"
    report = json.loads((out / "solve-report.json").read_text())
    assert report["clean_plate"] == "given, a still"
    assert [other["performer"] for other in report["others"]] == [2]
    told = json.loads((out / "plate.json").read_text())
    assert [frame["differing_outside_in_file"] for frame in told] == [0] * count
    for made, frame in zip(_pictures(out / "shot.mp4"), filmed, strict=True):
        rex, vega = (person.matte_HW > 0.95 for person in frame.people)
        off = np.abs(made.astype(int) - empty_set(shot)).mean(axis=2)
        assert off[vega].mean() < 3, "who is removed leaves the set"
        assert off[rex].mean() > 15, "who is replaced does not"
        untouched = np.abs(made.astype(int) - frame.rgb_HW3).max(axis=2) == 0
        assert untouched.mean() > 0.7


def test_what_it_may_be_laid_over_is_told_where_it_is_asked_wrongly(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["bodyswap", "render", str(plate), "--subject", "vega", "--out", str(tmp_path / "out")]
    for wrong in (["--over", "moon"], ["--set", "over=moon"]):
        monkeypatch.setattr(sys, "argv", [*asked, *wrong])
        with pytest.raises(SystemExit) as ending:
            main()
        assert ending.value.code == 2
        told = capsys.readouterr().err
        assert "moon" in told and "plate" in told
