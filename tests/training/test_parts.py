"""Which frames are trained on, and that those held out are not among them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.encode import CODECS, encode
from bodyswap.errors import PlateError, UsageError
from bodyswap.timing import FrameRange, Timeline, parse_frame_range
from bodyswap.training.parts import FootagePart, choose_parts

COUNT = 12


def _clip(path: Path) -> Path:
    pictures = [np.full((32, 32, 3), 20 * index, np.uint8) for index in range(COUNT)]
    timeline = Timeline(pts=tuple(range(COUNT)), time_base=Fraction(1, 24), rate=Fraction(24))
    frames = FrameRange(start=0, stop=COUNT)
    encode(pictures, path, timeline=timeline, frames=frames, codec=CODECS["h264"])
    return path


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _clip(tmp_path_factory.mktemp("clips") / "one.mp4")


@pytest.fixture(scope="module")
def at_sign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _clip(tmp_path_factory.mktemp("clips") / "take@3.mp4")


def _told(parts: list[FootagePart]) -> list[tuple[str, str]]:
    return [(part.clip.path.name, str(part.frames)) for part in parts]


def test_clips_and_parts_of_clips_are_read_in_order(one: Path, at_sign: Path) -> None:
    chosen = [f"{one}@1003-1005", str(at_sign), f"{one}@1011"]
    parts, held = choose_parts(chosen, [f"{at_sign}@1012"])
    assert _told(parts) == [
        ("one.mp4", "1003-1005"),
        ("take@3.mp4", "1001-1011"),
        ("one.mp4", "1011-1011"),
    ]
    assert _told(held) == [("take@3.mp4", "1012-1012")]


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ("1001-1004", ["1005-1012"]),
        ("1005-1006", ["1001-1004", "1007-1012"]),
        ("1012", ["1001-1011"]),
    ],
)
def test_what_is_held_out_is_cut_out_of_what_is_trained_on(
    one: Path, held: str, left: list[str]
) -> None:
    parts, kept = choose_parts([str(one)], [held])
    assert [str(part.frames) for part in parts] == left
    assert [str(part.frames) for part in kept] == [held if "-" in held else f"{held}-{held}"]


def _frames_of(texts: list[str]) -> set[int]:
    ranges = [parse_frame_range(text.rpartition("@")[2], COUNT) for text in texts]
    return {index for frames in ranges for index in frames}


def test_the_last_tenth_is_held_out_where_nothing_is_said(one: Path, at_sign: Path) -> None:
    parts, held = choose_parts([str(one), f"{at_sign}@1001-1008"])
    assert _told(held) == [("take@3.mp4", "1007-1008")]
    assert _told(parts) == [("one.mp4", "1001-1012"), ("take@3.mp4", "1001-1006")]
    texts = [f"{one}@1001-1012", f"{one}@1001-1012", f"{at_sign}@1002"]
    parts, held = choose_parts(texts)
    assert _told(held) == [("one.mp4", "1012-1012"), ("take@3.mp4", "1002-1002")]
    assert _told(parts) == [("one.mp4", "1001-1011")] * 2


def test_no_frame_held_out_is_ever_trained_on_however_parts_overlap(one: Path) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        texts = []
        for _ in range(4):
            first, last = sorted(int(number) for number in rng.integers(1001, 1001 + COUNT, 2))
            texts.append(f"{one}@{first}-{last}")
        wanted, apart = _frames_of(texts[:2]), _frames_of(texts[2:])
        if wanted <= apart:
            with pytest.raises(UsageError, match="every frame is held out"):
                choose_parts(texts[:2], texts[2:])
            continue
        parts, _ = choose_parts(texts[:2], texts[2:])
        assert {index for part in parts for index in part.frames} == wanted - apart


def test_of_several_clips_the_one_held_out_of_is_named(one: Path, at_sign: Path) -> None:
    with pytest.raises(UsageError, match=r"does not say of which clip; write clip.mp4@1001-1002"):
        choose_parts([str(one), str(at_sign)], ["1001-1002"])
    parts, _ = choose_parts([str(one), str(at_sign)], [f"{at_sign}@1001-1002"])
    assert _told(parts) == [("one.mp4", "1001-1012"), ("take@3.mp4", "1003-1012")]


def test_frames_and_clips_that_are_not_there_are_refused(one: Path) -> None:
    with pytest.raises(UsageError, match="outside the plate"):
        choose_parts([f"{one}@1001-1013"])
    with pytest.raises(PlateError, match=r"absent\.mp4"):
        choose_parts(["absent.mp4@1001-1003"])
