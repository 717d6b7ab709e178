import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bodyswap.decode import decode
from bodyswap.errors import PlateError
from bodyswap.media.frame_archive import pack_sequence
from bodyswap.media.index import index_clip
from tests.media.clips import pictures


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, picture in enumerate(pictures(5), start=998):
        Image.fromarray(picture).save(folder / f"shot.{number:04d}.png")
    return folder / "shot.#.png"


def test_a_packed_sequence_is_the_same_plate(tmp_path: Path, sequence: Path) -> None:
    pack_sequence(sequence, tmp_path / "shot.zip")
    for _ in range(2):  # the second time from what is unpacked already
        clip = index_clip(tmp_path / "shot.zip")
        assert (len(clip), clip.first_number) == (5, 998)
        (batch,) = decode(clip, clip.frames)
        np.testing.assert_array_equal(batch.rgb_NHW3, np.stack(pictures(5)))
    assert clip.timeline == index_clip(sequence).timeline


def test_the_same_frames_are_the_same_bytes(tmp_path: Path, sequence: Path) -> None:
    pack_sequence(sequence, tmp_path / "one.zip")
    for path in sequence.parent.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    pack_sequence(sequence, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize("name", ["../shot.0001.png", "a/shot.0001.png", "shot.sh"])
def test_an_archive_that_holds_anything_else_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "shot.zip", "w") as archive:
        archive.writestr(name, b"anything")
    with pytest.raises(PlateError, match="no frame of a sequence"):
        index_clip(tmp_path / "shot.zip")
    assert not (tmp_path / "shot.zip.frames").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shot.zip").write_bytes(b"nothing of the kind")
    with pytest.raises(PlateError, match="cannot be unpacked"):
        index_clip(tmp_path / "shot.zip")


def test_two_sequences_in_one_archive_are_refused(tmp_path: Path, sequence: Path) -> None:
    pack_sequence(sequence, tmp_path / "shot.zip")
    with zipfile.ZipFile(tmp_path / "shot.zip", "a") as archive:
        archive.write(sequence.parent / "shot.0999.png", "other.0999.png")
    with pytest.raises(PlateError, match="more than one sequence"):
        index_clip(tmp_path / "shot.zip")
