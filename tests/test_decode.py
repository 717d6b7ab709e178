from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.errors import PlateError
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import pictures, write_clip

OPEN_GROUPS = {"g": "8", "bf": "3", "x264-params": "open-gop=1:b-pyramid=normal:scenecut=0"}
RED = np.full((48, 64, 3), (230, 20, 30), np.uint8)


def _all(path: Path) -> list[bytes]:
    clip = index_clip(path)
    return [rgb.tobytes() for batch in decode(clip, clip.frames) for rgb in batch.rgb_NHW3]


@pytest.mark.parametrize(
    ("suffix", "encoder", "options"),
    [
        (".mp4", "libx264", OPEN_GROUPS),
        (".mkv", "libx264", OPEN_GROUPS),
        (".ts", "libx264", OPEN_GROUPS),
        (".mov", "mpeg2video", {"g": "6", "bf": "2"}),
        (".webm", "libvpx-vp9", {"g": "8"}),
        (".mp4", "libx265", {"x265-params": "open-gop=1:keyint=8:min-keyint=8:log-level=error"}),
    ],
)
def test_any_frame_is_reached_exactly(
    tmp_path: Path, suffix: str, encoder: str, options: dict[str, str]
) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", pictures(22), encoder=encoder, options=options)
    clip, whole = index_clip(path), _all(path)
    assert len(set(whole)) == 22
    for index in reversed(range(22)):
        (batch,) = decode(clip, FrameRange(start=index, stop=index + 1))
        assert batch.rgb_NHW3.tobytes() == whole[index], index
        assert (batch.pts, batch.first_index) == ((clip.timeline.pts[index],), index)


def test_a_clip_without_frame_times_goes_by_order(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "clip.avi",
        pictures(20),
        timeline=Timeline(pts=tuple(range(20)), time_base=Fraction(1, 24), rate=Fraction(24)),
        encoder="mpeg4",
        options={"bf": "2", "g": "7", "qscale": "2"},
    )
    whole = _all(path)
    assert len(set(whole)) == 20
    (batch,) = decode(index_clip(path), FrameRange(start=9, stop=12))
    assert [rgb.tobytes() for rgb in batch.rgb_NHW3] == whole[9:12]


def test_batches_end_at_multiples_of_their_length_wherever_the_range_begins(tmp_path: Path) -> None:
    clip = index_clip(write_clip(tmp_path / "clip.mp4", pictures(20)))
    batches = list(decode(clip, FrameRange(start=3, stop=18), batch_frames=4))
    assert [len(batch) for batch in batches] == [1, 4, 4, 4, 2]
    assert [batch.first_index for batch in batches] == [3, 4, 8, 12, 16]
    assert tuple(pts for batch in batches for pts in batch.pts) == clip.timeline.pts[3:18]


def test_an_empty_range_has_no_batches(tmp_path: Path) -> None:
    clip = index_clip(write_clip(tmp_path / "clip.mp4", pictures(4)))
    assert list(decode(clip, FrameRange(start=2, stop=2))) == []


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("tag", "space"), [("bt709", 1), ("smpte170m", 6)])
def test_colour_goes_by_the_clips_own_matrix_and_range(
    tmp_path: Path, tag: str, space: int, full_range: bool
) -> None:
    path = _coloured(tmp_path, space=space, full_range=full_range, size=(64, 48), tag=tag)
    clip = index_clip(path)
    assert (clip.colour.matrix, clip.colour.is_full_range) == (space, full_range)
    _assert_red(path)


@pytest.mark.parametrize(("size", "space"), [((64, 720), 1), ((64, 480), 6)])
def test_untagged_clips_are_read_by_their_height(
    tmp_path: Path, size: tuple[int, int], space: int
) -> None:
    path = _coloured(tmp_path, space=space, full_range=False, size=size, tag=None)
    assert index_clip(path).colour.matrix == space
    _assert_red(path)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_clip_is_decoded_upright(tmp_path: Path, degrees: int) -> None:
    flat = write_clip(tmp_path / "flat.mp4", pictures(3))
    turned = write_clip(tmp_path / "turned.mp4", pictures(3), turned=degrees)
    (lying,), (upright,) = (
        list(decode(clip, clip.frames)) for clip in (index_clip(flat), index_clip(turned))
    )
    expected = np.rot90(lying.rgb_NHW3, degrees // 90, axes=(1, 2))
    np.testing.assert_array_equal(upright.rgb_NHW3, expected)


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    noisy = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8) for i in range(40)]
    path = write_clip(tmp_path / "clip.mp4", noisy, options={"g": "10", "bf": "0"})
    clip = index_clip(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    with pytest.raises(PlateError, match=r"frame 10[12]\d of .*clip\.mp4.* does not decode"):
        list(decode(clip, clip.frames))
    assert len(list(decode(clip, FrameRange(start=0, stop=4)))) == 1


def _coloured(
    folder: Path, *, space: int, full_range: bool, size: tuple[int, int], tag: str | None
) -> Path:
    """A red clip, converted here by the formulae of the standards and not by a library."""
    red, green, blue = RED[0, 0].astype(float) / 255
    kr, kb = (0.2126, 0.0722) if space == 1 else (0.299, 0.114)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    scale, black, chroma_scale = (255, 0, 255) if full_range else (219, 16, 224)
    levels = (black + scale * luma, *(128 + chroma_scale * part for part in chroma))
    width, height = size
    path = folder / "red.mp4"
    colour = f"colorprim={tag}:transfer={tag}:colormatrix={tag}:" if tag else ""
    params = f"{colour}fullrange={'on' if full_range else 'off'}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=24, options={"qp": "1", "x264-params": params}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        if full_range:
            stream.codec_context.color_range = 2
        for index in range(3):
            planes = np.stack([np.full((height, width), round(v), np.uint8) for v in levels])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _assert_red(path: Path) -> None:
    clip = index_clip(path)
    for batch in decode(clip, clip.frames):
        middle: RGB = batch.rgb_NHW3[:, 8:-8, 8:-8]
        assert np.abs(middle.astype(int) - RED[0, 0]).max() <= 2
