"""What is delivered says what it is; the library's own reader believes it, until a byte flips."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from bodyswap.errors import InputError, UsageError
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.origin import Origin
from bodyswap.rights.provenance import Proof, Seal, Sealed, read_proof, seal_file
from bodyswap.rights.sequence import read_sequence_proof, seal_sequence
from tests.media.clips import pictures, write_clip

ORIGIN = Origin(
    job="0123456789abcdef", subject="mara", checkpoint="c" * 64, consent="consent-1",
    plate_sha256="a" * 64, frames="1001-1012", production="nightfall", shot="sc010_0040",
    software="bodyswap 0.1.0",
)  # fmt: skip
ENCODERS = {
    "shot.mp4": ("libx264", "yuv420p"),
    "ffv1.mp4": ("ffv1", "yuv420p"),
    "shot.mov": ("prores_ks", "yuv444p10le"),
    "hevc.mp4": ("libx265", "yuv420p10le"),
    "dnxhr.mov": ("dnxhd", "yuv422p"),
    "shot.mkv": ("ffv1", "yuv420p"),
}
EMBEDDED = ["shot.mp4", "ffv1.mp4", "shot.mov", "hevc.mp4", "dnxhr.mov", "still.png", "still.jpg"]
BESIDE = ["shot.mkv", "frame.exr"]


@dataclass(frozen=True)
class Desk:
    """A folder with a plate, a seal and its root."""

    folder: Path
    seal: Seal
    anchors: str

    def made(self, name: str) -> Path:
        """A real file of that name's kind."""
        path = self.folder / name
        if name in ENCODERS:
            encoder, pixel_format = ENCODERS[name]
            options = {"profile": "dnxhr_hq"} if encoder == "dnxhd" else None
            large = pictures(12, width=320, height=180)
            write_clip(path, large, encoder=encoder, pixel_format=pixel_format, options=options)
        elif path.suffix == ".exr":
            path.write_bytes(b"\x76\x2f\x31\x01" + bytes(range(256)) * 8)
        else:
            Image.fromarray(pictures(1)[0]).save(path)
        return path

    def sealed(self, name: str, seal: Seal | None = None) -> Sealed:
        out = self.folder / "out" / name
        out.parent.mkdir(exist_ok=True)
        plate = self.folder / "plate.mp4"
        return seal_file(self.made(name), plate, out, ORIGIN, seal or self.seal)

    def proof(self, path: Path) -> Proof:
        proof = read_proof(path, self.anchors)
        assert proof is not None
        return proof


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    write_clip(folder / "plate.mp4", pictures(12, first=3))
    make_chain(folder / "seal", "Nightfall Ltd", now_s=time.time())
    seal = Seal(
        chain=(folder / "seal/chain.pem").read_text(), key=(folder / "seal/key.pem").read_text()
    )
    return Desk(folder, seal, (folder / "seal/root.pem").read_text())


@pytest.mark.parametrize("name", [*EMBEDDED, *BESIDE])
def test_every_format_carries_its_origin_and_the_reader_trusts_it(desk: Desk, name: str) -> None:
    sealed = desk.sealed(name)
    assert (sealed.sidecar is not None) == (name in BESIDE)
    proof = desk.proof(sealed.path)
    assert proof.is_trusted and proof.failures == () and proof.signed_by == "Nightfall Ltd"
    assert proof.origin == ORIGIN and proof.plate == "plate.mp4"
    if sealed.sidecar is not None:
        assert sealed.path.read_bytes() == (desk.folder / name).read_bytes()


@pytest.mark.parametrize("name", [*EMBEDDED, *BESIDE])
def test_one_flipped_byte_of_the_picture_is_found(desk: Desk, name: str) -> None:
    path = desk.sealed(name).path
    whole = path.read_bytes()
    original = (desk.folder / name).read_bytes()
    middle = original[len(original) // 2 : len(original) // 2 + 16]
    places = [whole.index(middle) + offset for offset in (0, 7, 15)]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        proof = desk.proof(path)
        assert proof.state == "Invalid"
        assert any("mismatch" in failure.lower() for failure in proof.failures), proof.failures


def test_the_manifest_names_the_models_word_and_the_kind_of_editing(desk: Desk) -> None:
    data = desk.sealed("shot.mp4").path.read_bytes()
    for words in (
        b"compositeWithTrainedAlgorithmicMedia", b"c2pa.opened", b"cawg.training-mining",
        b"notAllowed", b"sha256:" + b"c" * 64, b"consent-1",
    ):  # fmt: skip
        assert words in data


def test_a_signature_of_somebody_unknown_is_whole_but_not_trusted(
    desk: Desk, tmp_path: Path
) -> None:
    path = desk.sealed("shot.mp4").path
    make_chain(tmp_path / "other", "Somebody Else", now_s=time.time())
    for anchors in ("", (tmp_path / "other/root.pem").read_text()):
        proof = read_proof(path, anchors)
        assert proof is not None and not proof.is_trusted


def test_a_key_that_never_leaves_its_service_signs_by_callback(desk: Desk) -> None:
    key = serialization.load_pem_private_key((desk.seal.key or "").encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    asked: list[int] = []

    def sign(data: bytes) -> bytes:
        asked.append(len(data))
        return key.sign(data)

    sealed = desk.sealed("shot.mp4", Seal(chain=desk.seal.chain, sign=sign))
    assert asked and desk.proof(sealed.path).is_trusted


def test_a_dead_timestamp_server_costs_the_timestamp_and_is_told_of(desk: Desk) -> None:
    seal = replace(desk.seal, timestamp_url="http://127.0.0.1:9/timestamp")
    sealed = desk.sealed("shot.mp4", seal)
    assert sealed.timestamp_trouble.startswith("no timestamp from http://127.0.0.1:9/")
    assert desk.proof(sealed.path).is_trusted


def test_a_seal_that_cannot_sign_is_an_error_not_an_unsigned_file(
    desk: Desk, tmp_path: Path
) -> None:
    make_chain(tmp_path / "other", "Somebody Else", now_s=time.time())
    other = (tmp_path / "other/key.pem").read_text()
    timed = replace(desk.seal, key=other, timestamp_url="http://127.0.0.1:9/")
    for seal in (replace(desk.seal, key=other), replace(desk.seal, key="no key"), timed):
        with pytest.raises(UsageError, match=r"cannot sign 'shot\.mp4'"):
            desk.sealed("shot.mp4", seal)


def test_files_without_a_word_of_their_origin_are_told_apart_from_unreadable_ones(
    desk: Desk, tmp_path: Path
) -> None:
    assert read_proof(desk.made("shot.mp4"), desk.anchors) is None
    assert read_proof(desk.made("shot.mkv"), desk.anchors) is None
    garbage = tmp_path / "shot.mp4"
    garbage.write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(InputError, match="cannot read what"):
        read_proof(garbage, desk.anchors)
    sealed = desk.sealed("shot.mkv")
    assert sealed.sidecar is not None
    sealed.sidecar.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot read what"):
        read_proof(sealed.path, desk.anchors)


def test_a_sequence_has_one_list_and_one_sidecar_and_every_frame_counts(
    desk: Desk, tmp_path: Path
) -> None:
    frames = [tmp_path / f"shot.{number}.exr" for number in range(1001, 1007)]
    for number, frame in enumerate(frames):
        frame.write_bytes(b"exr" + bytes([number]) * 100)
    listed = tmp_path / "shot.sha256"
    sealed = seal_sequence(frames, desk.folder / "plate.mp4", listed, ORIGIN, desk.seal)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(frame.name for frame in frames), "shot.sha256", "shot.sha256.c2pa",
    ]  # fmt: skip
    proof = read_sequence_proof(sealed.path, desk.anchors)
    assert proof is not None and proof.is_trusted and proof.origin == ORIGIN
    whole = frames[3].read_bytes()
    frames[3].write_bytes(whole[:-1] + b"x")
    proof = read_sequence_proof(listed, desk.anchors)
    assert proof is not None and proof.failures == ("sequence.mismatch: shot.1004.exr was changed",)
    frames[3].unlink()
    proof = read_sequence_proof(listed, desk.anchors)
    assert proof is not None and "shot.1004.exr is not there" in proof.failures[0]
    frames[3].write_bytes(whole)
    listed.write_text(listed.read_text().replace("shot.1001", "../shot.1001"))
    proof = read_sequence_proof(listed, desk.anchors)
    assert proof is not None and proof.state == "Invalid" and len(proof.failures) >= 2
