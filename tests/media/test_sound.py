"""Sound beside frame files: the plate's own samples, from the first frame that is delivered on."""

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.errors import PlateError
from bodyswap.media.index import index_clip
from bodyswap.media.sound import write_sound
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, steady, write_clip
from tests.media.ffmpeg import run_ffmpeg, sound_by_ffmpeg, told_by_ffmpeg

NTSC = Fraction(30000, 1001)
COUNT = 30
RATE = 48000


def _plate(folder: Path, sound: str, *, suffix: str = ".mov", depth: str = "s16le") -> Path:
    """A plate whose sound another program muxed: every sample differs from the one before."""
    film = write_clip(
        folder / "film.mov", pictures(COUNT), timeline=steady(COUNT, NTSC),
        names={"timecode": "00:00:59;20"},
    )  # fmt: skip
    whole = np.arange(COUNT * 1602 * 2)
    samples = {
        "s16le": ((whole * 37) % 65536 - 32768).astype("<i2").tobytes(),
        "s32le": ((whole * 99991 % (1 << 24) - (1 << 23)) * 256).astype("<i4").tobytes(),
        "f32le": (np.sin(whole / 7) * 1.25).astype("<f4").tobytes(),
    }[depth]
    out = folder / f"plate{suffix}"
    run_ffmpeg(
        "-i", film, "-f", depth, "-ar", str(RATE), "-ac", "2", "-i", "-", "-map", "0:v", "-map",
        "1:a", "-c:v", "copy", "-c:a", sound, *(("-strict", "-2") if sound == "flac" else ()), out,
        fed=[samples],
    )  # fmt: skip
    return out


@pytest.mark.parametrize(
    ("sound", "suffix", "depth", "told"),
    [
        ("pcm_s16le", ".mov", "s16le", "pcm_s16le"),
        ("pcm_s16be", ".mov", "s16le", "pcm_s16le"),
        ("pcm_s24le", ".mov", "s32le", "pcm_s24le"),
        ("pcm_f32le", ".mov", "f32le", "pcm_f32le"),
        ("flac", ".mp4", "s16le", "pcm_s16le"),
        ("alac", ".mov", "s16le", "pcm_s16le"),
        ("flac", ".mkv", "s16le", "pcm_s16le"),
    ],
)
def test_a_parts_samples_are_the_plates_own(
    tmp_path: Path, sound: str, suffix: str, depth: str, told: str
) -> None:
    clip = index_clip(_plate(tmp_path, sound, suffix=suffix, depth=depth))
    (path,) = write_sound(clip, FrameRange(start=6, stop=21), tmp_path, "shot")
    assert path.name == "shot.wav"
    width = 8 if depth != "s16le" else 4
    first, last = (round(index / NTSC * RATE) * width for index in (6, 21))
    found, own = sound_by_ffmpeg(path, kind=depth), sound_by_ffmpeg(clip.path, kind=depth)
    assert abs(len(found) - (last - first)) <= width * (0 if suffix != ".mkv" else 64)
    if suffix != ".mkv":  # which rounds when its frames are shown to milliseconds
        assert found == own[first:last]
    else:
        assert found in own
    assert f"Audio: {told}" in told_by_ffmpeg(path)


def test_all_of_a_plate_is_all_of_its_sound_and_tells_when_it_begins(tmp_path: Path) -> None:
    clip = index_clip(_plate(tmp_path, "pcm_s16le"))
    (path,) = write_sound(clip, clip.frames, tmp_path, "shot")
    due = round(COUNT / NTSC * RATE) * 4
    assert sound_by_ffmpeg(path, kind="s16le") == sound_by_ffmpeg(clip.path, kind="s16le")[:due]
    with wave.open(str(path)) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (RATE, 2)
    # 00:00:59;20 is frame 1790 since midnight.
    assert f"time_reference  : {round(1790 / NTSC * RATE)}" in told_by_ffmpeg(path)


def test_each_stream_is_a_file_and_what_was_coded_with_loss_is_decoded_once(tmp_path: Path) -> None:
    layouts = ["stereo", "5.1", "mono"]
    plate = write_clip(tmp_path / "plate.mp4", pictures(24), sound="aac", layouts=layouts)
    made = write_sound(index_clip(plate), FrameRange(start=4, stop=20), tmp_path, "shot")
    assert [path.name for path in made] == ["shot.wav", "shot.sound-2.wav", "shot.sound-3.wav"]
    own = np.frombuffer(sound_by_ffmpeg(plate, kind="f32le"), np.float32)
    found = np.frombuffer(sound_by_ffmpeg(made[0], kind="f32le"), np.float32)
    assert len(found) == 16 * 2000 * 2
    np.testing.assert_allclose(found, own[4 * 2000 * 2 : 20 * 2000 * 2], atol=1e-6)
    for path, channels in zip(made, (2, 6, 1), strict=True):
        assert len(sound_by_ffmpeg(path, kind="f32le")) == 16 * 2000 * 4 * channels


def test_sound_that_begins_late_is_silent_until_then(tmp_path: Path) -> None:
    early = _plate(tmp_path, "pcm_s16le")
    late = tmp_path / "late.mov"
    run_ffmpeg("-i", early, "-itsoffset", "0.5", "-i", early, "-map", "0:v", "-map", "1:a",
               "-c", "copy", late)  # fmt: skip
    clip = index_clip(late)
    (path,) = write_sound(clip, clip.frames, tmp_path, "shot")
    found = np.frombuffer(sound_by_ffmpeg(path, kind="s16le"), np.int16)
    own = np.frombuffer(sound_by_ffmpeg(early, kind="s16le"), np.int16)
    assert not found[: RATE // 2 * 2].any()
    np.testing.assert_array_equal(found[RATE // 2 * 2 :], own[: len(found) - RATE // 2 * 2])


def test_a_silent_plate_has_no_sound_beside_it(tmp_path: Path) -> None:
    clip = index_clip(write_clip(tmp_path / "plate.mp4", pictures(4)))
    assert write_sound(clip, clip.frames, tmp_path, "shot") == ()


def test_sound_that_is_not_read_is_refused(tmp_path: Path) -> None:
    plate = write_clip(
        tmp_path / "plate.mov", pictures(24), sound="adpcm_ima_qt", layouts=["stereo"]
    )
    clip = index_clip(plate)
    with pytest.raises(PlateError, match="coded as adpcm_ima_qt, which is not read"):
        write_sound(clip, clip.frames, tmp_path, "shot")
