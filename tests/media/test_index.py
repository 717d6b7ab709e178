import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodyswap.errors import PlateError
from bodyswap.media.index import index_clip
from bodyswap.timing import Timeline
from tests.media.clips import pictures, steady, write_clip

REORDERED = {"bf": "3", "g": "12"}


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(16), Fraction(25)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_every_frame_is_found_at_its_exact_time(
    tmp_path: Path, rate: Fraction, suffix: str
) -> None:
    told = steady(30, rate)
    path = write_clip(tmp_path / f"clip{suffix}", pictures(30), timeline=told, options=REORDERED)
    clip = index_clip(path)
    assert [pts * clip.timeline.time_base for pts in clip.timeline.pts] == [
        pts * told.time_base for pts in told.pts
    ]
    assert clip.timeline.rate == rate
    assert not clip.timeline.is_variable_rate
    assert (clip.width, clip.height, clip.codec) == (64, 48, "h264")
    assert not clip.custody.companions


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".ts", ".mpg", ".webm"])
def test_other_containers_lose_no_frame(tmp_path: Path, suffix: str) -> None:
    encoder = {".webm": "libvpx-vp9", ".mpg": "mpeg2video", ".avi": "mpeg4"}.get(suffix, "libx264")
    options = {"g": "10"} if suffix == ".webm" else {"g": "10", "bf": "2"}
    path = tmp_path / f"clip{suffix}"
    clock = Timeline(pts=tuple(range(25)), time_base=Fraction(1, 24), rate=Fraction(24))
    write_clip(path, pictures(25), timeline=clock, encoder=encoder, options=options)
    clip = index_clip(path)
    assert len(clip) == 25
    assert not clip.timeline.is_variable_rate


def test_uneven_times_are_seen_as_variable_rate(tmp_path: Path) -> None:
    pts = (0, 40, 80, 200, 240, 250, 400)
    told = Timeline(pts=pts, time_base=Fraction(1, 1000), rate=Fraction(25))
    clip = index_clip(write_clip(tmp_path / "clip.mp4", pictures(7), timeline=told))
    assert clip.timeline.is_variable_rate
    assert [tick * clip.timeline.time_base for tick in clip.timeline.pts] == [
        Fraction(tick, 1000) for tick in pts
    ]


def test_a_trimmed_clip_has_only_the_frames_that_are_shown(tmp_path: Path) -> None:
    """Its first frame is in the middle of a group of pictures whose beginning an edit hides."""
    path = write_clip(tmp_path / "clip.mp4", pictures(40), options={"g": "40", "bf": "0"})
    clip = index_clip(_with_edit_start(path, shown_from=17 * 512))
    assert len(clip) == 23
    assert clip.timeline.pts[0] == 0


def test_sound_is_noticed(tmp_path: Path) -> None:
    clip = index_clip(write_clip(tmp_path / "clip.mp4", pictures(8), sound="aac"))
    assert [each.kind for each in clip.custody.companions] == ["audio"]


def test_a_turned_clip_has_its_displayed_size(tmp_path: Path) -> None:
    clip = index_clip(write_clip(tmp_path / "clip.mp4", pictures(8), turned=90))
    assert (clip.width, clip.height) == (48, 64)


def test_a_slanted_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="rotate it upright"):
        index_clip(write_clip(tmp_path / "clip.mp4", pictures(8), turned=30))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="does not exist"):
        index_clip(tmp_path / "clip.mp4")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="is a folder"):
        index_clip(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a video at all", bytes(4096)])
def test_what_is_not_a_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(PlateError, match=r"clip\.mp4"):
        index_clip(path)


def test_a_script_that_names_other_files_is_not_followed(tmp_path: Path) -> None:
    write_clip(tmp_path / "other.mp4", pictures(8))
    path = tmp_path / "clip.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(PlateError, match="no video of a kind"):
        index_clip(path)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(PlateError, match="no moving picture"):
        index_clip(path)


def test_a_codec_off_the_list_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi", pictures(4), encoder="cinepak", pixel_format="rgb24")
    with pytest.raises(PlateError, match="cinepak"):
        index_clip(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_a_truncated_video_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    options = {"movflags": "+faststart"} if suffix == ".mp4" else {}
    noisy = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8) for i in range(40)]
    whole = write_clip(tmp_path / f"whole{suffix}", noisy, container_options=options)
    data = whole.read_bytes()
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(data[: int(len(data) * kept)])
    assert len(index_clip(whole)) == 40
    with pytest.raises(PlateError, match=r"truncated.*copy it again"):
        index_clip(path)


def test_a_name_with_odd_characters_is_only_a_name(tmp_path: Path) -> None:
    made = write_clip(tmp_path / "clip.mp4", pictures(4))
    odd = tmp_path / "concat:take #2|50% ünï.mp4"
    shutil.copy(made, odd)
    assert len(index_clip(odd)) == 4


def _with_edit_start(path: Path, *, shown_from: int) -> Path:
    """The same file, its edit list beginning `shown_from` ticks later."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    version, count = data[at], int.from_bytes(data[at + 4 : at + 8], "big")
    assert (version, count) == (0, 1)
    media_time = at + 12
    start = int.from_bytes(data[media_time : media_time + 4], "big")
    data[media_time : media_time + 4] = (start + shown_from).to_bytes(4, "big")
    path.write_bytes(data)
    return path
