"""A stunt from the stage, through every stage and the command line, to files a person opens."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.forecast import read_index
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.nets.checkpoint import load_card
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange, Timeline
from cluster.cli.app import main

RATE = Fraction(24000, 1001)
COUNT = 20


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames of rex walking, at 23.976 frames a second, the first one shown late."""
    path = tmp_path_factory.mktemp("plate") / "rex walks.mp4"
    motion = load_motion("walk").turned(0.4).at_rate(Fraction(24))
    pictures = [frame.rgb_HW3 for frame in film(REX, motion, Shot(width=320, height=320))]
    timeline = Timeline(
        pts=tuple(3003 + 1001 * index for index in range(COUNT)),
        time_base=Fraction(1, 24000),
        rate=RATE,
    )
    frames = FrameRange(start=0, stop=COUNT)
    encode(pictures[:COUNT], path, timeline=timeline, frames=frames, codec=CODECS["h264"])
    return path


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, arguments)])
    with pytest.raises(SystemExit) as ending:
        main()
    return ending.value.code if isinstance(ending.value.code, int) else 0


def _pictures(path: Path) -> list[RGB]:
    clip = index_clip(path)
    return [picture for batch in decode(clip, clip.frames) for picture in batch.rgb_NHW3]


def test_a_shot_is_rendered_frame_for_frame_on_the_plates_own_clock(
    plate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "shot"
    code = _run(
        monkeypatch, "render", plate, "--subject", "vega", "--out", out,
        "--store", tmp_path / "store", "--shards", "2", "--json",
    )  # fmt: skip
    assert code == 0
    told = json.loads(capsys.readouterr().out)
    names = {Path(file).name for file in told["files"]}
    assert {"shot.mp4", "manifest.json", "comparison.mp4", "contact-sheet.png"} <= names
    clip, shot = index_clip(plate), index_clip(out / "shot.mp4")
    assert (shot.width, shot.height) == (256, 256)
    for name in ("shot.mp4", "comparison.mp4"):
        written = index_clip(out / name).timeline
        times = [pts * written.time_base for pts in written.pts]
        assert times == [pts * clip.timeline.time_base for pts in clip.timeline.pts]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["frame_count"] == COUNT
    assert [part["numbers"] for part in manifest["parts"]] == ["1001-1010", "1011-1020"]
    background = np.median(_pictures(out / "shot.mp4"), axis=0)
    for picture in _pictures(out / "shot.mp4"):
        assert (np.abs(picture - background).max(axis=2) > 40).sum() > 100  # somebody moves


def test_exact_mode_gives_the_same_pixels_for_any_shards_and_runtime(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = []
    for index, plan in enumerate((["--shards", "1"], ["--shards", "3", "--runtime", "ray"])):
        out = tmp_path / str(index)
        code = _run(
            monkeypatch, "render", plate, "--subject", "vega", "--out", out,
            "--store", tmp_path / "store", "--mode", "exact", "--codec", "ffv1",
            "--frames", "1001-1012", *plan,
        )  # fmt: skip
        assert code == 0
        shots.append(_pictures(out / "shot.mp4"))
    assert len(shots[0]) == len(shots[1]) == 12
    for one, other in zip(*shots, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_subject_trained_on_footage_can_be_rendered_and_training_resumes(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = tmp_path / "learnt"
    kept: dict[Path, int] = {}
    for steps in ("1", "2"):
        code = _run(
            monkeypatch, "train", f"{plate}@1001-1008", f"{plate}@1009-1020", "--subject", "rex",
            "--consent", "synthetic", "--hold-out", "1017-1020", "--height", "64",
            "--recipe", "temporal", "--set", "training.sequence=3",
            "--set", "training.networks.most_channels=16", "--steps", steps, "--out", learnt,
        )  # fmt: skip
        assert code == 0
        prepared = {path: path.stat().st_mtime_ns for path in (learnt / "footage").rglob("*")}
        assert kept in ({}, prepared), "a resumed training prepared its footage again"
        kept = prepared
    losses = (learnt / "losses.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in losses] == ["step", "1", "2"]
    card = load_card(learnt / "subject")
    assert (card.name, card.origin.consent, card.height) == ("rex", "synthetic", 64)
    index = read_index(learnt / "subject")
    assert index.count_C.sum() == COUNT - 4 and "coverage.npz" in card.files
    assert card.training is not None and card.training.frames == COUNT - 4
    assert card.training.settings["sequence"] == 3 and card.training.settings["batch"] == 3
    assert card.held_out is not None and card.held_out.frames == 4
    out = tmp_path / "shot"
    code = _run(
        monkeypatch, "render", plate, "--subject", learnt / "subject", "--out", out,
        "--store", tmp_path / "store", "--frames", "1003-1006",
    )  # fmt: skip
    assert code == 0
    assert len(index_clip(out / "shot.mp4")) == 4


def test_a_plate_with_nobody_in_it_ends_with_code_4_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.mp4"
    noise = np.random.default_rng(0).integers(90, 120, (8, 128, 128, 3), dtype=np.uint8)
    timeline = Timeline(pts=tuple(range(8)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames = FrameRange(start=0, stop=8)
    encode(list(noise), empty, timeline=timeline, frames=frames, codec=CODECS["h264"])
    out = tmp_path / "out"
    code = _run(
        monkeypatch, "render", empty, "--subject", "vega", "--out", out,
        "--store", tmp_path / "store",
    )  # fmt: skip
    assert code == 4
    assert "no person was found in frames 1001-1008" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (["--subject", "nobody"], 5, "subject 'nobody' was not found"),
        (["--frames", "1001-2000"], 2, "whose frames are 1001-1020"),
        (["--frames", "1009-1005"], 2, "backwards"),
        (["--shards", "21"], 2, "20 frames cannot be cut into 21 shards"),
        (["--shards", "0"], 2, "'--shards'"),
        (["--codec", "theora"], 2, "theora"),
        (["--set", "pose.modle=x"], 2, "did you mean 'pose.model'"),
        (["--set", "pose.model=rtmpose-z"], 6, "rtmpose-z"),
        (["--set", "pose.model=rtmw-l"], 5, "gives skeleton 'coco-wholebody-133'"),
        (["--set", "device=cuda:9"], 2, "device 'cuda:9'"),
        (["--no-such-option"], 2, "--no-such-option"),
        (["--store", "ftp://somewhere"], 2, "unknown kind"),
    ],
)
def test_a_wrong_request_is_one_clear_line_and_an_exit_code(
    plate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    code: int,
    told: str,
) -> None:
    out = tmp_path / "out"
    asked = ["render", plate, "--subject", "vega", "--out", out, "--store", tmp_path / "store"]
    assert _run(monkeypatch, *asked, *change) == code
    assert told in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.mp4", None, "missing.mp4"),
        ("letter.mp4", b"Dear supervisor, this is no video.\n" * 50, "cannot be read as video"),
        ("empty.mp4", b"", "empty.mp4"),
    ],
)
def test_a_file_that_is_no_plate_ends_with_code_3(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    told: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code = _run(
        monkeypatch, "render", tmp_path / name, "--subject", "vega", "--out", tmp_path / "out",
        "--store", tmp_path / "store",
    )  # fmt: skip
    assert code == 3
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_truncated_plate_ends_with_code_3(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(plate.read_bytes()[: plate.stat().st_size * 3 // 5])
    code = _run(
        monkeypatch, "render", cut, "--subject", "vega", "--out", tmp_path / "out",
        "--store", tmp_path / "store",
    )  # fmt: skip
    assert code == 3
    assert "cut.mp4" in capsys.readouterr().err
