"""A segmenter of somebody's own: any ONNX file that keeps the contract, and no other."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bodyswap.config import RenderSettings
from bodyswap.errors import ModelError, UsageError
from bodyswap.frames import RGB, Matte, RenderedFrame
from bodyswap.quality.stage_transfer import StageTransfer
from bodyswap.replacement import ReplacingSettings
from bodyswap.replacing.cleanplate import CleanPlate
from bodyswap.replacing.figure import FARTHEST
from bodyswap.replacing.lay import lay
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.replacing.matte import performer_matte
from bodyswap.replacing.segmenter import Segmenter, load_segmenter, pinned
from cluster.cli.app import main
from tests.media.clips import pictures, write_clip
from tests.replacing.test_clean_plate import SET_HW3, transfer  # noqa: F401 - a fixture

RED = np.array((200, 30, 30), np.uint8)


def _write(
    path: Path, channels: int = 3, sides: Sequence[int | str] = ("H", "W"), out: int = 1,
    weights: Sequence[float] = (8, -4, -4, 0), bias: float = -1.0,
) -> Path:  # fmt: skip
    """One 1x1 convolution and a sigmoid: how red a pixel is, plus the pose where it is given."""
    kernel = np.tile(np.array(weights[:channels], np.float32).reshape(1, -1, 1, 1), (out, 1, 1, 1))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["picture", "kernel", "bias"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["matte"]),
        ],
        "red",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, channels, *sides])],
        [helper.make_tensor_value_info("matte", TensorProto.FLOAT, [1, out, *sides])],
        [
            helper.make_tensor("kernel", TensorProto.FLOAT, kernel.shape, kernel.ravel()),
            helper.make_tensor("bias", TensorProto.FLOAT, [out], [bias] * out),
        ],
    )
    opset = helper.make_operatorsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


def _load(path: Path) -> Segmenter:
    found = load_segmenter(ReplacingSettings(segmenter=str(path)))
    assert found is not None
    return found


def _scene() -> tuple[RGB, Matte, np.ndarray]:
    """A red disk before grey, how far each pixel is from its middle, and where it is."""
    rows, columns = np.mgrid[:120, :160]
    away_HW = np.hypot(rows - 60, columns - 70).astype(np.float32)
    picture = np.full((120, 160, 3), 120, np.uint8)
    picture[away_HW < 18] = RED
    picture[20:40, 120:150] = RED
    return picture, np.minimum(away_HW / 12, FARTHEST), away_HW < 18


@pytest.mark.parametrize("sides", [("H", "W"), (64, 96)])
def test_any_file_of_the_contract_tells_who_is_the_performer(
    tmp_path: Path, sides: Sequence[int | str]
) -> None:
    segment = _load(_write(tmp_path / "red.onnx", sides=sides))
    picture, distance_HW, disk = _scene()
    matte_HW = segment(picture, distance_HW)
    assert matte_HW.shape == disk.shape and matte_HW.dtype == np.float32
    inside = cv2.erode(disk.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert matte_HW[inside].min() > 0.9
    assert matte_HW[(distance_HW > 1.8) & (distance_HW < 2.8)].max() < 0.4
    np.testing.assert_array_equal(matte_HW, segment(picture, distance_HW))
    nobody = segment(picture, np.full_like(distance_HW, FARTHEST))
    assert not nobody.any()
    # Somebody else in red, beyond the pose's reach, is none of it.
    clean = CleanPlate(
        rgb_HW3=picture, seen_HW=np.ones(disk.shape, np.bool_), noise_3=np.ones(3, np.float32)
    )
    whole_HW = performer_matte(picture, clean, distance_HW, segment)
    assert whole_HW[inside].min() > 0.9 and not whole_HW[20:40, 120:150].any()
    assert not performer_matte(picture, clean, distance_HW)[distance_HW > 0.7].any()


def test_one_that_wants_the_pose_is_given_it(tmp_path: Path) -> None:
    by_pose = _write(tmp_path / "pose.onnx", channels=4, weights=(0, 0, 0, 20), bias=-15.0)
    picture, distance_HW, _ = _scene()
    matte_HW = _load(by_pose)(picture, distance_HW)
    assert matte_HW[distance_HW < 0.5].min() > 0.8
    assert matte_HW[distance_HW > 1.6].max() < 0.2


def test_a_file_of_another_contract_is_refused_by_name(tmp_path: Path) -> None:
    picture, distance_HW, _ = _scene()
    with pytest.raises(ModelError, match=r"two\.onnx.*1 x 3 x H x W"):
        _load(_write(tmp_path / "two.onnx", channels=2))
    with pytest.raises(ModelError, match=r"answers \[1, 2, "):
        _load(_write(tmp_path / "many.onnx", out=2))(picture, distance_HW)
    (tmp_path / "words.onnx").write_text("no network")
    with pytest.raises(ModelError, match=r"words\.onnx.*cannot"):
        _load(tmp_path / "words.onnx")
    with pytest.raises(ModelError, match="on every worker"):
        _load(tmp_path / "nowhere.onnx")


def test_a_job_holds_the_very_file_it_was_submitted_with(tmp_path: Path) -> None:
    path = _write(tmp_path / "red.onnx")
    asked = RenderSettings(over="plate").with_overrides([f"replacing.segmenter={path}"])
    known = pinned(asked)
    assert len(known.replacing.segmenter_sha256) == 64
    assert load_segmenter(known.replacing) is not None
    assert pinned(known) == known
    _write(path, bias=0.0)
    with pytest.raises(ModelError, match="was asked for"):
        load_segmenter(known.replacing)
    assert pinned(asked).replacing != known.replacing
    with pytest.raises(UsageError, match="--over plate"):
        RenderSettings().with_overrides([f"replacing.segmenter={path}"])


def test_it_decides_what_of_the_plate_is_the_performer(
    transfer: StageTransfer, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    nobody = _load(_write(tmp_path / "none.onnx", weights=(0, 0, 0, 0), bias=-20.0))
    plate = np.asarray(transfer.driver.rgb_NHW3[2], np.uint8)
    swap = Swap(performer=transfer.driving_poses)
    shares = []
    for segment in (None, nobody):
        recipe = make_recipe(
            [swap], None, lambda i: np.asarray(transfer.driver.rgb_NHW3[i], np.uint8), None, segment
        )
        empty_HW = np.zeros(plate.shape[:2], np.float32)
        frame = RenderedFrame(rgb_HW3=SET_HW3, matte_HW=empty_HW, index=2)
        shares.append(float(lay(frame, plate, recipe, None, segment).performer_HW.sum()))
    assert 0 < shares[1] < 0.9 * shares[0], "only what lies on the limbs is left"


def test_the_command_line_pins_it_into_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plate = write_clip(tmp_path / "plate.mp4", pictures(3))
    path, store = _write(tmp_path / "red.onnx"), tmp_path / "store"

    def submit(segmenter: Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [
            "bodyswap", "submit", str(plate), "--subject", "vega", "--store", str(store),
            "--over", "plate", "--set", f"replacing.segmenter={segmenter}",
        ])  # fmt: skip
        with pytest.raises(SystemExit) as ending:
            main()
        told = capsys.readouterr()
        return int(ending.value.code or 0), told.out.strip() or told.err

    code, job = submit(path)
    assert code == 0
    text = (store / f"jobs/{job}/job.yaml").read_text()
    assert pinned(_settings(path)).replacing.segmenter_sha256 in text
    _write(path, bias=0.0)
    assert submit(path)[1] != job
    code, told = submit(tmp_path / "nowhere.onnx")
    assert code == 6 and "nowhere.onnx" in told


def _settings(path: Path) -> RenderSettings:
    replacing = ReplacingSettings(segmenter=str(path))
    return replace(RenderSettings(over="plate"), replacing=replacing)
