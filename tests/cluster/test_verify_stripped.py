"""`bodyswap verify` knows a real render again that was stripped, coded, or lost its mark."""

import json
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from command_line import run_command
from PIL import Image

from bodyswap.frames import RGB
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from cluster.cli.app import main
from tests.media.clips import write_clip

COUNT = 10
Verify = Callable[..., tuple[int, dict[str, object], str]]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in it, and `out/shot.mp4`: vega in rex's walk."""
    folder = tmp_path_factory.mktemp("rendered")
    walk = film(REX, load_motion("walk").turned(0.4), Shot(width=192, height=192))
    plate = write_clip(folder / "plate.mp4", [next(walk).rgb_HW3 for _ in range(COUNT)])
    words = ("render", plate, "--subject", "vega", "--out", folder / "out", "--store",
             folder / "store", "--set", "warmup_frames=1")  # fmt: skip
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr("sys.argv", ["bodyswap", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
    assert not ending.value.code
    return folder


@pytest.fixture
def verify(rendered: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    def run(file: Path) -> tuple[int, dict[str, object], str]:
        code, told, wrong = run_command(
            capsys, "verify", file, "--json", "--store", rendered / "store"
        )
        return code, json.loads(told or "{}"), wrong

    return run


def _frames(path: Path) -> Iterator[RGB]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _coded(pictures: list[RGB], path: Path, crf: int = 28) -> Path:
    with av.open(str(path), "w") as container:
        options = {"crf": str(crf), "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=Fraction(24), options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _manifest(rendered: Path) -> dict[str, str]:
    manifest: dict[str, str] = json.loads((rendered / "out/manifest.json").read_text())
    return manifest


def _job(rendered: Path) -> str:
    return _manifest(rendered)["job"]


def test_a_coded_cropped_trimmed_copy_is_known_by_its_mark_and_by_whom_it_was_judged(
    rendered: Path, tmp_path: Path, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(capsys, "approve", _job(rendered), "--note", "fine", "--store", rendered / "store")
    pictures = [
        np.ascontiguousarray(one[8:-4, 6:-10]) for one in _frames(rendered / "out/shot.mp4")
    ]
    code, told, wrong = verify(_coded(pictures[3:8], tmp_path / "leaked.mp4", crf=23))
    assert (code, told["known_by"]) == (10, "watermark"), wrong
    origin = told["origin"]
    assert isinstance(origin, dict) and origin["job"] == _job(rendered)
    assert (origin["subject"], told["consent_today"]) == ("vega", "stands")
    assert str(told["ruling"]).startswith("approved by ") and "fine" in str(told["ruling"])
    assert "carries no signature" in wrong


def test_a_still_from_it_is_known_too(rendered: Path, tmp_path: Path, verify: Verify) -> None:
    Image.fromarray(next(_frames(rendered / "out/shot.mp4"))).save(tmp_path / "still.png")
    code, told, _ = verify(tmp_path / "still.png")
    assert (code, told["known_by"]) == (10, "watermark")


def test_where_the_mark_is_gone_it_is_known_by_its_looks_and_said_to_be_no_proof(
    rendered: Path, tmp_path: Path, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [
        cv2.resize(cv2.GaussianBlur(one, (0, 0), 3), (96, 96))
        for one in _frames(rendered / "out/shot.mp4")
    ]
    blurred = _coded(small, tmp_path / "blurred.mp4")
    code, told, wrong = verify(blurred)
    assert (code, told["known_by"]) == (10, "likeness"), wrong
    origin = told["origin"]
    assert isinstance(origin, dict) and origin["job"] == _job(rendered)
    _, words, _ = run_command(capsys, "verify", blurred, "--store", rendered / "store")
    assert "no proof" in words


def test_another_clip_is_nobodys_and_a_mark_without_a_log_is_told_as_such(
    rendered: Path, tmp_path: Path, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, wrong = verify(rendered / "plate.mp4")
    assert (code, told["known_by"], told["origin"]) == (7, "nothing", None)
    assert "says nothing of its origin" in wrong
    empty = ("--store", tmp_path / "empty")
    code, words, _ = run_command(capsys, "verify", rendered / "out/shot.mp4", *empty)
    assert (
        code == 10
        and _manifest(rendered)["watermark"] in words
        and "no job in this store's log" in words
    )


def test_a_log_that_was_tampered_with_tells_nothing(
    rendered: Path, tmp_path: Path, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    store = shutil.copytree(rendered / "store", tmp_path / "store")
    entry = sorted((store / "audit").rglob("*.json"))[1]
    entry.write_bytes(entry.read_bytes().replace(b"vega", b"nora"))
    code, words, _ = run_command(
        capsys, "verify", rendered / "out/shot.mp4", "--json", "--store", store
    )
    told = json.loads(words)
    assert code == 10 and told["origin"] is None and "does not follow" in told["log_trouble"]
