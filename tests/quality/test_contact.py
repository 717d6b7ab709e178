"""The verb `sheet`: a shot on one page, and as a film to review."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.media.exr import Compression, FrameLabel, Part, write_exr
from bodyswap.media.index import index_clip
from bodyswap.quality.slate import FrameNames, burnt
from bodyswap.timecode import Timecode
from cluster.cli.app import main
from tests.media.clips import steady, write_clip

NTSC = Fraction(30000, 1001)
COUNT = 9


def _grey(level: int) -> RGB:
    return np.full((90, 160, 3), level, np.uint8)


def _film(path: Path, count: int = COUNT, *, first: int = 0) -> Path:
    shown = [_grey(20 + 20 * (first + index)) for index in range(count)]
    names = {"timecode": "00:00:59;26"}
    return write_clip(path, shown, timeline=steady(count, NTSC), names=names)


def _sheet(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["bodyswap", "sheet", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


def _panel(page: RGB, place: int, columns: int) -> RGB:
    width, height = (page.shape[1] + 6) // columns - 6, page.shape[0] // -(-COUNT // columns) - 6
    y, x = place // columns * (height + 6), place % columns * (width + 6)
    return page[y : y + height, x : x + width]


def test_every_frame_is_on_the_page_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "page" / "sheet.png"
    film = _film(tmp_path / "shot.mov")
    assert not _sheet(monkeypatch, film, "--out", out, "--columns", "3", "--rows", "3")
    page = np.asarray(Image.open(out))
    names = FrameNames(first_number=1001, first_timecode=Timecode.parse("00:00:59;26", NTSC))
    for place in range(COUNT):
        panel = _panel(page, place, 3)
        assert abs(int(panel[: panel.shape[0] // 2].mean()) - (20 + 20 * place)) <= 3
        level = int(panel[0, 0, 0])
        named = burnt(np.full_like(panel, level), names.of(place)).astype(int)
        assert np.abs(panel.astype(int) - named).mean() < 2
    # The fifth frame's name is not the fourth's: drop-frame skips two at the minute.
    assert names.of(4).endswith("00:01:00;02")


def test_the_plate_is_beside_each_frame_and_the_film_begins_with_a_slate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate, shot = _film(tmp_path / "plate.mov"), _film(tmp_path / "shot.mov", 4, first=2)
    out, movie = tmp_path / "sheet.png", tmp_path / "review.mp4"
    words = [shot, "--plate", plate, "--frames", "1003-1006", "--out", out, "--movie", movie]
    assert not _sheet(monkeypatch, *words)
    film = index_clip(movie)
    assert len(film) == 5
    assert film.timeline.rate == NTSC
    slate, *shown = next(decode(film, film.frames)).rgb_NHW3
    assert slate.std() > 20
    for index, picture in enumerate(shown):
        half = picture.shape[1] // 2
        middle = picture.shape[0] // 2
        for side in (picture[middle, half // 2], picture[middle, half + half // 2]):
            assert np.abs(side.astype(int) - (60 + 20 * index)).max() <= 4


def test_frames_as_files_say_themselves_which_of_the_plate_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, numbers in (("plate", range(1009, 1019)), ("shot", range(1011, 1015))):
        (tmp_path / folder).mkdir()
        for number in numbers:
            light = {name: np.full((32, 48), number % 10 / 10, np.float16) for name in "RGB"}
            label = FrameLabel(number=number, rate=Fraction(24))
            path = tmp_path / folder / f"{folder}.{number}.exr"
            write_exr(path, [Part(name="", channels=light)], label, Compression.ZIP)
    words = [tmp_path / "shot" / "shot.#.exr", "--plate", tmp_path / "plate" / "plate.#.exr"]
    assert not _sheet(monkeypatch, *words, "--out", tmp_path / "sheet.png")
    page = np.asarray(Image.open(tmp_path / "sheet.png"))
    row = page[page.shape[0] // 2].astype(int)
    # Four panels, in each the same level on the left and on the right.
    panel = (page.shape[1] + 6) // 4
    for place in range(4):
        left, right = row[place * panel + panel // 4], row[place * panel + 3 * panel // 4]
        assert np.abs(left - right).max() <= 1


def test_a_shot_of_another_length_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plate, shot = _film(tmp_path / "plate.mov"), _film(tmp_path / "shot.mov", 4)
    assert _sheet(monkeypatch, shot, "--plate", plate, "--out", tmp_path / "sheet.png") == 2
    assert "shot.mov has 4 frames, and 1001-1009 of plate.mov are 9" in capsys.readouterr().err
