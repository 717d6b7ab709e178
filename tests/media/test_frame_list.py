"""Frames as files of their own, rendered in parts, and joined by their lists."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.encode import FRAME_FORMATS, FrameFormat, encode_frames
from bodyswap.errors import IntegrityError
from bodyswap.frames import LayeredFrame, RenderedFrame, Whole
from bodyswap.media.colour import linear_light
from bodyswap.media.exr import read_exr
from bodyswap.media.frame_list import FrameList, join_lists
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.media.sequence import read_codes_16
from bodyswap.timing import FrameRange
from tests.media.clips import cut_in, pictures, round_matte, steady, write_clip

COUNT = 8
NTSC = Fraction(30000, 1001)
every_format = pytest.mark.parametrize("kind", FRAME_FORMATS.values(), ids=FRAME_FORMATS)


@pytest.fixture
def plate(tmp_path: Path) -> ClipIndex:
    names = {"timecode": "00:00:59;26", "reel_name": "A001C002"}
    clock = steady(COUNT, NTSC, first_pts=99)
    path = tmp_path / "plate.mov"
    return index_clip(write_clip(path, pictures(COUNT), timeline=clock, names=names))


def _frame(index: int) -> LayeredFrame:
    colour = pictures(1, first=index)[0]
    matte = round_matte(64, 48).astype(np.float32) / 255
    subject = RenderedFrame(rgb_HW3=colour, matte_HW=matte, index=index)
    facts = {"pose_confidence": index / 10}
    return LayeredFrame(subject=subject, clean_plate_HW3=255 - colour, facts=facts)


def _parts(folder: Path, plate: ClipIndex, kind: FrameFormat) -> list[Path]:
    lists = []
    for place, part in enumerate(cut_in(COUNT, 3)):
        (folder / str(place)).mkdir(parents=True)
        path = folder / str(place) / "segment.json"
        made = (_frame(index) for index in part)
        segment = encode_frames(made, path, plate=plate, frames=part, kind=kind)
        assert (segment.first_pts, segment.last_pts) == tuple(
            plate.timeline.pts[index] for index in (part.start, part.stop - 1)
        )
        lists.append(path)
    return lists


@every_format
def test_parts_join_by_their_lists(tmp_path: Path, plate: ClipIndex, kind: FrameFormat) -> None:
    lists = _parts(tmp_path / "parts", plate, kind)
    joined = join_lists(lists, plate=plate, frames=plate.frames, kind=kind)
    assert [frame.name for frame in joined.frames] == [
        f"shot.{number}{kind.suffix}" for number in range(1001, 1001 + COUNT)
    ]
    assert tuple(frame.pts for frame in joined.frames) == plate.timeline.pts
    assert joined.frames[4].timecode == "00:01:00;02"
    joined.write(tmp_path / "shot.json")
    assert FrameList.read(tmp_path / "shot.json") == joined


@every_format
@pytest.mark.parametrize("harm", ["gone", "swapped", "cut", "relabelled"])
def test_a_frame_that_is_not_what_was_listed_is_found(
    tmp_path: Path, plate: ClipIndex, kind: FrameFormat, harm: str
) -> None:
    lists = _parts(tmp_path / "parts", plate, kind)
    folder = lists[1].parent
    names = [frame.name for frame in FrameList.read(lists[1]).frames]
    victim = folder / names[0]
    if harm == "gone":
        victim.unlink()
    elif harm == "swapped":
        victim.write_bytes((folder / names[1]).read_bytes())
    elif harm == "cut":
        _relist(lists[1], victim, victim.read_bytes()[: victim.stat().st_size // 2])
    else:  # whole, and listed with its own hash, but another frame
        _relist(lists[1], victim, (folder / names[1]).read_bytes())
    with pytest.raises(IntegrityError, match=r"100\d"):
        join_lists(lists, plate=plate, frames=plate.frames, kind=kind)


def _relist(path: Path, file: Path, data: bytes) -> None:
    """Put `data` in the file's place, and its hash in the list: only reading it tells."""
    from hashlib import sha256

    file.write_bytes(data)
    told = json.loads(path.read_text())
    told["frames"][0]["sha256"] = sha256(data).hexdigest()
    path.write_text(json.dumps(told))


def test_a_missing_part_is_refused(tmp_path: Path, plate: ClipIndex) -> None:
    kind = FRAME_FORMATS["png"]
    lists = _parts(tmp_path / "parts", plate, kind)
    with pytest.raises(IntegrityError, match="are not 1001-1008"):
        join_lists(lists[:2], plate=plate, frames=plate.frames, kind=kind)


def test_an_exr_holds_the_layers_apart(tmp_path: Path, plate: ClipIndex) -> None:
    lists = _parts(tmp_path / "parts", plate, FRAME_FORMATS["exr"])
    parts = {part.name: part.channels for part in read_exr(lists[0].parent / "shot.1002.exr")}
    frame = _frame(1)
    matte = frame.subject.matte_HW
    assert list(parts) == ["rgba", "matte", "cleanplate", "qc"]
    red = linear_light(frame.subject.rgb_HW3)[:, :, 0] * matte
    np.testing.assert_allclose(parts["rgba"]["R"], red, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(parts["rgba"]["A"], matte.astype(np.float16))
    np.testing.assert_array_equal(parts["matte"]["A"], matte.astype(np.float16))
    clean = linear_light(frame.clean_plate_HW3)[:, :, 2]
    np.testing.assert_allclose(parts["cleanplate"]["B"], clean, rtol=1e-3, atol=1e-6)
    assert parts["qc"]["pose_confidence"].dtype == np.float32
    assert np.all(parts["qc"]["pose_confidence"] == np.float32(0.1))


def test_a_compositor_gets_the_composite_from_the_layers(tmp_path: Path, plate: ClipIndex) -> None:
    """Read by another library: subject over clean plate in linear light, within half floats."""
    lists = _parts(tmp_path / "parts", plate, FRAME_FORMATS["exr"])
    opened = OpenImageIO.ImageInput.open(str(lists[0].parent / "shot.1001.exr"))
    rgba = opened.read_image(0, 0, 0, 4, OpenImageIO.FLOAT)
    clean = opened.read_image(2, 0, 0, 3, OpenImageIO.FLOAT)
    over = rgba[:, :, :3] + clean * (1 - rgba[:, :, 3:])
    frame = _frame(0)
    matte = frame.subject.matte_HW[:, :, None]
    subject, plain = linear_light(frame.subject.rgb_HW3), linear_light(frame.clean_plate_HW3)
    assert np.abs(over - (subject * matte + plain * (1 - matte))).max() < 0.002


def test_a_png_holds_the_cut_out(tmp_path: Path, plate: ClipIndex) -> None:
    lists = _parts(tmp_path / "parts", plate, FRAME_FORMATS["png"])
    with Image.open(lists[0].parent / "shot.1001.png") as picture:
        rgba = np.asarray(picture)
        assert picture.info["timecode"] == "00:00:59;26"
    np.testing.assert_array_equal(rgba[:, :, 3], round_matte(64, 48))
    inside = rgba[:, :, 3] > 0
    np.testing.assert_array_equal(rgba[inside][:, :3], pictures(1)[0][inside])


def test_a_tiff_holds_the_cut_out_in_16_bits(tmp_path: Path, plate: ClipIndex) -> None:
    """Read by another library: the matte finer than 8 bits, and straight alpha by its own tag."""
    frame = _frame(0)
    matte_HW = np.minimum(frame.subject.matte_HW, np.float32(1 / 3 + 1e-4))
    soft = replace(frame, subject=replace(frame.subject, matte_HW=matte_HW))
    segment = encode_frames(
        [soft], tmp_path / "segment.json", plate=plate, frames=FrameRange(start=0, stop=1),
        kind=FRAME_FORMATS["tiff"],
    )  # fmt: skip
    opened = OpenImageIO.ImageInput.open(str(segment.frame_files[0]))
    assert opened.spec().getattribute("tiff:UnassociatedAlpha") == 1
    assert "timecode=00:00:59;26" in opened.spec().getattribute("ImageDescription")
    assert opened.spec().format == OpenImageIO.UINT16
    # Read as it lies: by itself the library would multiply by alpha.
    config = OpenImageIO.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    straight = OpenImageIO.ImageInput.open(str(segment.frame_files[0]), config)
    rgba = straight.read_image(0, 0, 0, 4, OpenImageIO.UINT16)
    np.testing.assert_array_equal(rgba[:, :, 3], np.rint(matte_HW * 65535))
    inside = rgba[:, :, 3] > 0
    np.testing.assert_array_equal(rgba[inside][:, :3], pictures(1)[0][inside] * np.uint16(257))


def test_a_tiff_of_a_deep_plate_keeps_all_its_bits(tmp_path: Path, plate: ClipIndex) -> None:
    codes_HW3 = np.random.default_rng(3).integers(0, 65536, (48, 64, 3)).astype(np.uint16)
    whole = Whole(codes_HW3=codes_HW3, light_HW3=np.zeros((48, 64, 3), np.float32))
    segment = encode_frames(
        [replace(_frame(0), whole=whole)], tmp_path / "segment.json", plate=plate,
        frames=FrameRange(start=0, stop=1), kind=FRAME_FORMATS["tiff"],
    )  # fmt: skip
    np.testing.assert_array_equal(read_codes_16(segment.frame_files[0]), codes_HW3)


def test_delivered_frames_are_a_plate_again(tmp_path: Path, plate: ClipIndex) -> None:
    lists = _parts(tmp_path / "parts", plate, FRAME_FORMATS["exr"])
    clip = index_clip(lists[0].parent / "shot.#.exr")
    assert clip.timeline.rate == NTSC
    assert clip.custody.timecode == plate.custody.timecode
    (batch,) = decode(clip, FrameRange(start=0, stop=1))
    whole = round_matte(64, 48) == 255
    difference = batch.rgb_NHW3[0][whole].astype(int) - pictures(1)[0][whole]
    assert np.abs(difference).max() <= 1
