"""A few frames through the whole farm, in formats that a compositor takes."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.media.colour import linear_light
from bodyswap.media.exr import Compression, FrameLabel, Part, read_exr, read_label, write_exr
from bodyswap.media.frame_list import FrameList
from bodyswap.media.index import index_clip
from bodyswap.media.sequence import bits_of
from bodyswap.media.tiff_16 import read_words
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timecode import Timecode
from bodyswap.timing import FrameRange
from cluster.cli.app import main
from tests.media.clips import packets_beside, steady, write_clip
from tests.media.ffmpeg import sound_by_ffmpeg

COUNT = 6
RATE = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    motion = load_motion("walk").turned(0.4).at_rate(Fraction(30))
    walk = film(REX, motion, Shot(width=192, height=192))
    return write_clip(
        tmp_path_factory.mktemp("plate") / "plate.mov",
        [next(walk).rgb_HW3 for _ in range(COUNT)],
        timeline=steady(COUNT, RATE),
        sound="pcm_s16le",
        layouts=["stereo", "mono"],
        names={"timecode": "00:00:59;27", "reel_name": "A001C002"},
    )


def _render(
    monkeypatch: pytest.MonkeyPatch, plate: Path, folder: Path, codec: str, *more: str
) -> Path:
    words = ["render", plate, "--subject", "vega", "--out", folder / "out", "--codec", codec,
             "--store", folder / "store", "--shards", "2", "--set", "warmup_frames=1",
             *more]  # fmt: skip
    assert not _bodyswap(monkeypatch, *words)
    return folder / "out"


def _bodyswap(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    return int(ending.value.code or 0)


def test_prores_with_alpha_keeps_timecode_reel_and_sound(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = _render(monkeypatch, plate, tmp_path, "prores-4444") / "shot.mov"
    clip, told = index_clip(shot), index_clip(plate)
    assert (len(clip), clip.timeline.rate) == (COUNT, RATE)
    assert clip.custody.timecode == told.custody.timecode
    assert (clip.custody.reel, str(clip.custody.timecode)) == ("A001C002", "00:00:59;27")
    assert packets_beside(shot) == packets_beside(plate)
    with av.open(str(shot)) as container:
        frame = next(container.decode(video=0))
        alpha = frame.to_ndarray(format="rgba64le")[:, :, 3] / 65535
    assert alpha.max() > 0.9
    assert (alpha < 0.01).mean() > 0.3


def test_exr_frames_are_written_by_the_workers_and_are_found_whole(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _render(monkeypatch, plate, tmp_path, "exr")
    listed = FrameList.read(out / "shot.json").frames
    assert [frame.name for frame in listed] == [f"shot.{1001 + i}.exr" for i in range(COUNT)]
    assert listed[3].timecode == "00:01:00;02"
    for frame in listed:
        label = read_label(out / frame.name)
        assert (label.number, str(label.timecode)) == (frame.number, frame.timecode)
        assert label.rate == RATE
    parts = {part.name: part.channels for part in read_exr(out / "shot.1005.exr")}
    assert list(parts) == ["rgba", "matte", "cleanplate", "qc"]
    assert parts["matte"]["A"].max() > 0.9
    assert np.all(parts["qc"]["shard"] == 1004)
    assert np.all(parts["qc"]["join"] == 1)
    assert 0 < parts["qc"]["pose_confidence"][0, 0] <= 1
    assert not _bodyswap(monkeypatch, "verify", out / "shot.json", "--plate", plate)
    own = sound_by_ffmpeg(plate, 0), sound_by_ffmpeg(plate, 1)
    assert (sound_by_ffmpeg(out / "shot.wav"), sound_by_ffmpeg(out / "shot.sound-2.wav")) == own
    assert {"manifest.json", "comparison.mp4", "contact-sheet.png", "slate.png"} <= {
        path.name for path in out.iterdir()
    }


def test_tiff_frames_are_delivered_in_16_bits_with_their_timecode(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _render(monkeypatch, plate, tmp_path, "tiff")
    listed = FrameList.read(out / "shot.json").frames
    assert [frame.name for frame in listed] == [f"shot.{1001 + i}.tif" for i in range(COUNT)]
    for frame in listed:
        assert bits_of(out / frame.name) == 16
        assert f"timecode={frame.timecode}" in read_words(out / frame.name)
    assert {"shot.wav", "comparison.mp4", "contact-sheet.png"} <= {
        path.name for path in out.iterdir()
    }


def test_sound_that_quicktime_cannot_hold_is_refused_before_rendering(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = film(REX, load_motion("walk").at_rate(Fraction(30)), Shot(width=192, height=192))
    made = [next(walk).rgb_HW3 for _ in range(2)]
    clip = write_clip(tmp_path / "plate.mp4", made, sound="flac")
    words = ["render", clip, "--subject", "vega", "--out", tmp_path / "out", "--codec",
             "prores-hq", "--store", tmp_path / "store"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["bodyswap", *map(str, words)])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 3
    assert "coded as flac, which MOV cannot hold" in capsys.readouterr().err
    assert not list((tmp_path / "store").rglob("render/*/commit.json"))


def test_an_exr_sequence_is_a_plate_of_the_farm(
    plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its frames keep their own numbers, timecode and reel in what is delivered."""
    rate, clip = Fraction(24000, 1001), index_clip(plate)
    (batch,) = decode(clip, FrameRange(start=0, stop=3))
    for number, picture in enumerate(batch.rgb_NHW3, start=1009):
        light = linear_light(picture).astype(np.float16)
        channels = {name: light[:, :, place] for place, name in enumerate("RGB")}
        code = Timecode.parse("10:00:00:00", rate) + (number - 1001)
        label = FrameLabel(number=number, rate=rate, timecode=code, reel="B003")
        path = tmp_path / f"plate.{number}.exr"
        write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)
    # Of a part, each frame's own: the second and third.
    out = _render(monkeypatch, tmp_path / "plate.#.exr", tmp_path, "png", "--frames", "1010-1011")
    listed = FrameList.read(out / "shot.json").frames
    assert [frame.name for frame in listed] == ["shot.1010.png", "shot.1011.png"]
    assert listed[0].timecode == "10:00:00:09"
    words = ["verify", out / "shot.#.png", "--plate", tmp_path / "plate.#.exr", "--frames"]
    assert not _bodyswap(monkeypatch, *words, "1010-1011")
    assert _bodyswap(monkeypatch, *words, "1009-1010") == 7
