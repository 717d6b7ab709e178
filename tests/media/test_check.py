from pathlib import Path

import numpy as np
import pytest

from bodyswap.encode import CODECS, Codec, encode
from bodyswap.errors import IntegrityError
from bodyswap.media.check import check_delivery
from bodyswap.timing import FrameRange, Timeline
from tests.media.clips import pictures_for, steady

COUNT = 12
every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def _delivery(folder: Path, codec: Codec) -> Path:
    shape = pictures_for(codec, 1)[0].shape
    noise = np.random.default_rng(1).integers(0, 256, (COUNT, *shape), np.uint8)
    whole, path = FrameRange(start=0, stop=COUNT), folder / f"shot{codec.suffix}"
    return encode(noise, path, timeline=steady(COUNT), frames=whole, codec=codec).path


@every_codec
def test_a_good_delivery_passes(tmp_path: Path, codec: Codec) -> None:
    check = check_delivery(_delivery(tmp_path, codec), steady(COUNT))
    size = (max(64, codec.least[0]), max(48, codec.least[1]))
    assert (check.frame_count, check.width, check.height) == (COUNT, *size)


@pytest.mark.parametrize(
    ("timeline", "complaint"),
    [
        (steady(COUNT + 1), "has 12 of the plate's 13"),
        (steady(COUNT - 1), "more than the plate's 11"),
        (steady(COUNT, 25), "frame 1002 .* not shown at 0.04"),
        (steady(COUNT, 24, first_pts=1), "frame 1001 .* not shown"),
    ],
)
def test_another_timeline_is_refused(tmp_path: Path, timeline: Timeline, complaint: str) -> None:
    path = _delivery(tmp_path, CODECS["h264"])
    with pytest.raises(IntegrityError, match=complaint):
        check_delivery(path, timeline)


@pytest.mark.parametrize(
    "codec", [codec for name, codec in CODECS.items() if not name.startswith("prores")]
)
def test_damage_is_found_though_count_and_times_are_right(tmp_path: Path, codec: Codec) -> None:
    path = _delivery(tmp_path, codec)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(255 - byte for byte in data[middle : middle + 3000])
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"frame 10\d\d .*"):
        check_delivery(path, steady(COUNT))


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shot.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(IntegrityError, match="cannot be read"):
        check_delivery(tmp_path / "shot.mp4", steady(COUNT))
