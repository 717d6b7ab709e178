"""Each kind of delivery there is, as the encoder writes it, is signed, believed, and bound."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bodyswap.encode import CODECS, FRAME_FORMATS, encode, encode_frames
from bodyswap.frames import LayeredFrame, RenderedFrame
from bodyswap.media.index import index_clip
from bodyswap.media.sequence import read_picture
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.origin import Origin
from bodyswap.rights.provenance import Seal, read_proof, read_verdict, seal_file, seal_verdict
from bodyswap.rights.sequence import read_sequence_proof, seal_sequence
from bodyswap.rights.verdict import Verdict, verdict_beside
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, steady, write_clip

ORIGIN = Origin(
    job="0123456789abcdef", subject="mara", checkpoint="c" * 64, consent="consent-1",
    plate_sha256="a" * 64, frames="1001-1004", production="nightfall", shot="sc010_0040",
    software="bodyswap 0.1.0",
)  # fmt: skip
VERDICT = Verdict(
    job=ORIGIN.job, ruling="approved", by="lena", at="2026-11-28T10:00:00Z", note="as agreed"
)
WHOLE = FrameRange(start=0, stop=4)


@dataclass(frozen=True)
class Desk:
    """A folder with a plate, a seal, and whose word counts."""

    folder: Path
    seal: Seal
    anchors: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    write_clip(folder / "plate.mp4", pictures(4, width=256, height=144))
    make_chain(folder / "seal", "Nightfall Ltd", now_s=time.time())
    chain, key, root = (
        (folder / "seal" / name).read_text() for name in ("chain.pem", "key.pem", "root.pem")
    )
    return Desk(folder, Seal(chain=chain, key=key), root)


def _with_a_bit_flipped(path: Path, place: float, read: Callable[[], tuple[str, ...]]) -> None:
    """A bit of the file, so far into it, is noticed by who reads; it is then turned back."""
    whole = path.read_bytes()
    at = int(len(whole) * place)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    try:
        assert any("mismatch" in each.lower() for each in read()), f"byte {at} of {path.name}"
    finally:
        path.write_bytes(whole)


def _film(desk: Desk, name: str, folder: Path) -> Path:
    codec = CODECS[name]
    made = pictures(4, width=256, height=144, first=9)
    if codec.has_alpha:
        alpha = np.full((144, 256, 1), 200, np.uint8)
        made = [np.concatenate([one, alpha], axis=2) for one in made]
    path = folder / f"shot{codec.suffix}"
    encode(made, path, timeline=steady(4, Fraction(24)), frames=WHOLE, codec=codec)
    return path


@pytest.mark.parametrize("name", CODECS)
def test_a_film_of_each_codec_holds_its_origin_until_a_bit_flips(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    (tmp_path / "out").mkdir()
    film = _film(desk, name, tmp_path)
    plate = desk.folder / "plate.mp4"
    sealed = seal_file(film, plate, tmp_path / "out" / film.name, ORIGIN, desk.seal)
    proof = read_proof(sealed.path, desk.anchors)
    assert proof is not None and proof.is_trusted and proof.origin == ORIGIN
    assert len(index_clip(sealed.path)) == 4

    def failures() -> tuple[str, ...]:
        proof = read_proof(sealed.path, desk.anchors)
        return () if proof is None else proof.failures

    media = sealed.path.read_bytes().rindex(film.read_bytes()[-2000:-1000])
    _with_a_bit_flipped(sealed.path, (media + 500) / sealed.path.stat().st_size, failures)


def _frames(desk: Desk, name: str, folder: Path) -> tuple[Path, ...]:
    made = []
    for index, picture in enumerate(pictures(4, width=256, height=144, first=9)):
        matte = np.zeros((144, 256), np.float32)
        matte[20:90, 60:140] = 1
        subject = RenderedFrame(index=index, rgb_HW3=picture, matte_HW=matte)
        made.append(LayeredFrame(subject=subject, clean_plate_HW3=255 - picture))
    plate = index_clip(desk.folder / "plate.mp4")
    segment = encode_frames(
        made, folder / "shot.json", plate=plate, frames=WHOLE, kind=FRAME_FORMATS[name]
    )
    return segment.frame_files


@pytest.mark.parametrize("name", FRAME_FORMATS)
def test_frames_of_each_format_hang_together_until_a_bit_of_one_flips(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    frames = _frames(desk, name, tmp_path)
    assert len(frames) == 4
    listed = tmp_path / "shot.sha256"
    seal_sequence(frames, desk.folder / "plate.mp4", listed, ORIGIN, desk.seal)
    proof = read_sequence_proof(listed, desk.anchors)
    assert proof is not None and proof.is_trusted and proof.origin == ORIGIN
    assert all(read_picture(frame).shape == (144, 256, 3) for frame in frames)

    def failures() -> tuple[str, ...]:
        proof = read_sequence_proof(listed, desk.anchors)
        return () if proof is None else proof.failures

    for frame, place in zip(frames, (0.02, 0.4, 0.7, 0.999), strict=True):
        _with_a_bit_flipped(frame, place, failures)
    _with_a_bit_flipped(listed, 0.5, failures)
    sound = read_sequence_proof(listed, desk.anchors)
    assert sound is not None and sound.is_trusted


def test_a_stranger_who_signs_frames_is_not_trusted(desk: Desk, tmp_path: Path) -> None:
    frames = _frames(desk, "exr", tmp_path)
    make_chain(tmp_path / "other", "Somebody Else", now_s=time.time())
    chain, key = ((tmp_path / "other" / each).read_text() for each in ("chain.pem", "key.pem"))
    listed = tmp_path / "shot.sha256"
    stranger = Seal(chain=chain, key=key)
    seal_sequence(frames, desk.folder / "plate.mp4", listed, ORIGIN, stranger)
    proof = read_sequence_proof(listed, desk.anchors)
    assert proof is not None and not proof.is_trusted and proof.signed_by == "Somebody Else"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_verdict_lies_beside_the_signed_file_and_is_bound_to_every_byte(
    desk: Desk, tmp_path: Path, suffix: str
) -> None:
    plate, film = desk.folder / "plate.mp4", tmp_path / f"shot{suffix}"
    shutil.copyfile(plate, tmp_path / f"in{suffix}")
    sealed = seal_file(tmp_path / f"in{suffix}", plate, film, ORIGIN, desk.seal)
    assert read_verdict(film, desk.anchors) is None
    before = film.read_bytes()
    seal_verdict(film, verdict_beside(film), VERDICT, ORIGIN.software, desk.seal)
    assert film.read_bytes() == before
    proof = read_verdict(film, desk.anchors)
    assert proof is not None and proof.is_trusted and proof.verdict == VERDICT
    assert proof.plate == film.name and proof.origin is None
    own = read_proof(sealed.path, desk.anchors)
    assert own is not None and own.is_trusted and own.verdict is None

    def failures() -> tuple[str, ...]:
        proof = read_verdict(film, desk.anchors)
        return () if proof is None else proof.failures

    for place in (0.1, 0.5, 0.99):
        _with_a_bit_flipped(film, place, failures)
