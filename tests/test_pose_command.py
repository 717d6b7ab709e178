"""`bodyswap pose`, and its poses corrected and rendered, through the command line."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.keypoints.posefile import read_pose_file
from bodyswap.media.index import index_clip
from bodyswap.people import PoseSequence
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, render_performance
from bodyswap.subjects import find_local_subject
from bodyswap.timing import FrameRange, Timeline
from cluster.cli.app import main

COUNT = 16
MOVED = 10
WRIST = COCO_17.joint("left_wrist")


class Filmed:
    """Sixteen frames of rex punching at 23.976 frames a second, and where his joints truly are."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rex.mp4"
        motion = load_motion("punch").turned(0.2).at_rate(Fraction(24))
        motion = motion.at(motion.time_T[8 : 8 + COUNT])
        filmed = render_performance(REX, motion, Shot(width=256, height=256))
        self.keypoints_NK2 = filmed.keypoints_NK2
        timeline = Timeline(
            pts=tuple(3003 + 1001 * index for index in range(COUNT)),
            time_base=Fraction(1, 24000),
            rate=Fraction(24000, 1001),
        )
        frames = FrameRange(start=0, stop=COUNT)
        encode(
            list(filmed.rgb_NHW3), self.path, timeline=timeline, frames=frames,
            codec=CODECS["h264"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return Filmed(tmp_path_factory.mktemp("plate"))


@pytest.fixture(scope="module")
def posed(plate: Filmed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("posed") / "pose"
    with pytest.MonkeyPatch.context() as patched:
        code = _run(
            patched, "pose", plate.path, "--out", out, "--against", "vega", "--set", "mode=exact"
        )
    assert code == 0
    return out


@pytest.fixture(scope="module")
def plain(plate: Filmed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain") / "shot"
    with pytest.MonkeyPatch.context() as patched:
        assert _render(patched, plate, out) == 0
    return out


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, arguments)])
    with pytest.raises(SystemExit) as ending:
        main()
    return ending.value.code if isinstance(ending.value.code, int) else 0


def _render(monkeypatch: pytest.MonkeyPatch, plate: Filmed, out: Path, *options: str | Path) -> int:
    return _run(
        monkeypatch, "render", plate.path, "--subject", "vega", "--out", out, "--store",
        out.parent / "store", "--mode", "exact", "--codec", "ffv1", "--shards", "2", *options,
    )  # fmt: skip


def _pictures(path: Path) -> list[RGB]:
    clip = index_clip(path)
    return [picture for batch in decode(clip, clip.frames) for picture in batch.rgb_NHW3]


def _arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_the_poses_written_are_the_performers_in_the_plates_own_pixels(
    plate: Filmed, posed: Path
) -> None:
    arrays, clip = _arrays(posed / "poses.npz"), index_clip(plate.path)
    assert arrays["keypoints"].shape == (COUNT, 17, 3) and arrays["present"].all()
    assert arrays["pts"].tolist() == list(clip.timeline.pts)
    assert Fraction(*arrays["time_base"].tolist()) == clip.timeline.time_base
    off_px = np.linalg.norm(arrays["keypoints"][:, 5:, :2] - plate.keypoints_NK2[:, 5:], axis=2)
    assert np.median(off_px) < 5


def test_the_report_tells_of_the_tracks_and_the_picture_shows_them(posed: Path) -> None:
    report = json.loads((posed / "pose-report.json").read_text())
    first = report["tracks"][0]
    assert report["frames"] == first["frames"] == f"1001-{1000 + COUNT}"
    assert first["performer"] and report["performer"] == first["id"]
    assert first["seen"] == report["solve"]["present"] == COUNT
    assert 100 < first["height_px"] < 250
    assert np.ptp(np.asarray(Image.open(posed / "tracks.png")).reshape(-1, 3), axis=0).min() > 200


def test_what_is_risky_against_the_subject_is_drawn_and_told(posed: Path) -> None:
    report = json.loads((posed / "coverage.json").read_text())
    assert len(report["risk"]) == COUNT and report["judged"] == COUNT
    # vega was filmed punching, though from no side as this.
    assert report["mean_risk"] < 0.5
    assert np.asarray(Image.open(posed / "coverage.png")).shape[1] == 1440


def test_poses_given_back_unchanged_render_the_same_shot_bit_for_bit(
    plate: Filmed, posed: Path, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "shot"
    assert _render(monkeypatch, plate, out, "--poses", posed / "poses.npz") == 0
    for name in ("performer-poses.npz", "subject-poses.npz"):
        one, other = (PoseSequence.from_bytes((at / name).read_bytes()) for at in (plain, out))
        np.testing.assert_array_equal(one.keypoints_NK2, other.keypoints_NK2)
        np.testing.assert_array_equal(one.confidence_NK, other.confidence_NK)
    for one, other in zip(_pictures(plain / "shot.mp4"), _pictures(out / "shot.mp4"), strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.loads((out / "solve-report.json").read_text())["poses"] == "given"


def test_a_moved_wrist_is_rendered_as_it_was_moved_and_hardly_anything_else_is(
    plate: Filmed, posed: Path, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = _arrays(posed / "poses.npz")
    keypoints = np.array(arrays["keypoints"])
    keypoints[MOVED, WRIST, 1] -= 60
    arrays["keypoints"] = keypoints
    corrected = tmp_path / "corrected.npz"
    np.savez(corrected, allow_pickle=False, **arrays)
    out = tmp_path / "shot"
    assert _render(monkeypatch, plate, out, "--poses", corrected) == 0
    one, other = (
        PoseSequence.from_bytes((at / "subject-poses.npz").read_bytes()) for at in (plain, out)
    )
    # How large the performer is and where their floor lies is measured over the whole shot, so a
    # joint moved far moves the others a little.
    moved_NK = np.linalg.norm(one.keypoints_NK2 - other.keypoints_NK2, axis=2)
    assert moved_NK[MOVED, WRIST] > 20
    moved_NK[MOVED, WRIST] = 0
    assert moved_NK.max() < 3
    changed = [
        float((np.abs(a.astype(int) - b).max(axis=2) > 60).sum())
        for a, b in zip(_pictures(plain / "shot.mp4"), _pictures(out / "shot.mp4"), strict=True)
    ]
    assert changed[MOVED] > 20 + 2 * max(changed[:MOVED])


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ("letter", 2, "cannot be read as poses"),
        ("late", 2, "frame 1001 is shown at"),
        ("part", 2, "add --frames 1003-1012"),
        ("nan", 2, "left_wrist of frame 1011"),
        ("skeleton", 2, "skeleton 'coco-18' is unknown"),
        ("missing", 2, "are not there"),
    ],
)
def test_poses_that_are_not_of_this_plate_end_with_one_line_and_nothing_is_stored(
    plate: Filmed,
    posed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
    code: int,
    told: str,
) -> None:
    arrays, path = _arrays(posed / "poses.npz"), tmp_path / "poses.npz"
    match change:
        case "late":
            arrays["pts"] = np.array(arrays["pts"], np.int64) + 1
        case "part":
            names = ("keypoints", "present", "presence", "pts", "frames", "filled", "camera")
            arrays.update({name: arrays[name][2:12] for name in names if name in arrays})
        case "nan":
            arrays["keypoints"] = np.array(arrays["keypoints"])
            arrays["keypoints"][MOVED, WRIST] = np.nan, 3, 0.5
        case "skeleton":
            arrays["skeleton"] = np.array("coco-18")
    if change == "letter":
        path.write_bytes(b"Dear supervisor, these are no poses.\n")
    elif change != "missing":
        np.savez(path, allow_pickle=False, **arrays)
    assert _render(monkeypatch, plate, tmp_path / "shot", "--poses", path) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "shot").exists()
    assert not [file for file in (tmp_path / "store").rglob("*") if file.is_file()]


def test_a_performer_is_not_chosen_where_poses_are_given(
    plate: Filmed,
    posed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--poses", posed / "poses.npz", "--performer", "largest")
    assert _render(monkeypatch, plate, tmp_path / "shot", *options) == 2
    assert "give one of them" in capsys.readouterr().err


def test_a_part_of_the_plate_is_posed_by_its_own_frame_numbers(
    plate: Filmed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "pose"
    code = _run(monkeypatch, "pose", plate.path, "--out", out, "--frames", "1005-1008", "--json")
    assert code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == "1005-1008" and told["tracks"][0]["seen"] == 4
    assert read_pose_file(out / "poses.npz").poses.frames == FrameRange(start=4, stop=8)
    assert not (out / "coverage.png").exists()


def test_a_plate_with_nobody_in_it_ends_with_code_4_and_a_picture_of_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.mp4"
    noise = np.random.default_rng(0).integers(90, 120, (8, 128, 128, 3), dtype=np.uint8)
    timeline = Timeline(pts=tuple(range(8)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames = FrameRange(start=0, stop=8)
    encode(list(noise), empty, timeline=timeline, frames=frames, codec=CODECS["h264"])
    out = tmp_path / "pose"
    assert _run(monkeypatch, "pose", empty, "--out", out) == 4
    assert "no person was found in frames 1001-1008" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["tracks.png"]


def test_a_subject_without_an_index_is_refused_with_what_to_do(
    plate: Filmed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    card = (find_local_subject("vega") / "card.yaml").read_text().splitlines()
    kept = [line for line in card if "coverage.npz" not in line]
    (old / "card.yaml").write_text("\n".join(kept) + "\n")
    assert len(kept) == len(card) - 1
    asked = ("--out", tmp_path / "pose", "--frames", "1001-1002", "--against", old)
    assert _run(monkeypatch, "pose", plate.path, *asked) == 5
    assert "the same `bodyswap train` command again adds coverage.npz" in capsys.readouterr().err
    assert not (tmp_path / "pose").exists()
