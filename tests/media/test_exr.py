from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from bodyswap.errors import PlateError
from bodyswap.media.exr import (
    Compression,
    Floats,
    FrameLabel,
    Part,
    read_exr,
    read_label,
    write_exr,
)
from bodyswap.timecode import Timecode

FILM, NTSC, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
RANDOM = np.random.default_rng(2)


def _half() -> Floats:
    return np.asarray(RANDOM.uniform(0, 4, (48, 64)), np.float16)


PARTS = (
    Part(name="rgba", channels={name: _half() for name in "RGBA"}),
    Part(name="matte", channels={"A": _half()}),
    Part(name="cleanplate", channels={name: _half() for name in "RGB"}),
    Part(name="qc", channels={"shard": np.full((48, 64), 100_001, np.float32)}),
)


def _label(text: str = "01:02:03:04", rate: Fraction = FILM) -> FrameLabel:
    return FrameLabel(number=1001, rate=rate, timecode=Timecode.parse(text, rate), reel="A001C002")


def test_every_part_is_given_back_to_the_bit(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", PARTS, _label(), Compression.ZIP)
    found = read_exr(tmp_path / "a.exr")
    assert [part.name for part in found] == [part.name for part in PARTS]
    for part, told in zip(found, PARTS, strict=True):
        assert part.channels.keys() == told.channels.keys()
        for name, pixels in part.channels.items():
            assert pixels.dtype == told.channels[name].dtype
            np.testing.assert_array_equal(pixels, told.channels[name])


def test_dwaa_is_smaller_and_close(tmp_path: Path) -> None:
    y, x = np.mgrid[:256, :256] / 256
    grain = RANDOM.normal(0, 0.004, (256, 256))
    smooth = Part(name="rgba", channels={"R": (x * y + 0.1 + grain).astype(np.float16)})
    sizes = {}
    for kind in Compression:
        write_exr(tmp_path / f"{kind}.exr", [smooth], _label(), kind)
        sizes[kind] = (tmp_path / f"{kind}.exr").stat().st_size
    (found,) = read_exr(tmp_path / "dwaa.exr")
    assert np.abs(found.channels["R"].astype(float) - smooth.channels["R"]).max() < 0.02
    assert sizes[Compression.DWAA] < sizes[Compression.ZIP]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("01:02:03:04", FILM), ("00:01:00;02", NTSC), ("00:00:59;59", NTSC_60),
        ("23:59:59:49", Fraction(50)), ("10:00:00:24", Fraction(25)),
    ],
)  # fmt: skip
def test_a_frame_says_which_it_is(tmp_path: Path, text: str, rate: Fraction) -> None:
    write_exr(tmp_path / "a.exr", PARTS[:1], _label(text, rate), Compression.ZIP)
    assert read_label(tmp_path / "a.exr") == _label(text, rate)


def test_another_reader_sees_the_same(tmp_path: Path) -> None:
    write_exr(tmp_path / "a.exr", PARTS, _label("00:01:00;02", NTSC), Compression.ZIP)
    opened = OpenImageIO.ImageInput.open(str(tmp_path / "a.exr"))
    for place, told in enumerate(PARTS):
        assert opened.seek_subimage(place, 0)
        spec = opened.spec()
        assert spec.get_string_attribute("oiio:subimagename") == told.name
        assert set(spec.channelnames) == set(told.channels)
        pixels = opened.read_image(place, 0, 0, spec.nchannels, OpenImageIO.FLOAT)
        for channel, name in enumerate(spec.channelnames):
            np.testing.assert_array_equal(pixels[:, :, channel], told.channels[name])
        told_of = {attribute.name: attribute.value for attribute in spec.extra_attribs}
        assert told_of["framesPerSecond"] == (30000, 1001)
        assert told_of["reelName"] == "A001C002"
        # Packed as ST 12-1 has it: a decimal digit in each nibble, and a bit for drop-frame.
        assert told_of["smpte:TimeCode"][0] == 0x00010002 | 0x40
    assert not opened.seek_subimage(len(PARTS), 0)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.98])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "a.exr"
    write_exr(path, PARTS, _label(), Compression.ZIP)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(PlateError, match=r"a\.exr"):
        read_exr(path)


def test_what_is_no_exr_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(b"nothing of the kind")
    with pytest.raises(PlateError, match="not an OpenEXR file"):
        read_exr(tmp_path / "a.exr")
