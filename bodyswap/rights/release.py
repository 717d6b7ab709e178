"""Sign the packaged performers' consents anew: `python -m bodyswap.rights.release [SHA256 ...]`.

To be run whenever a packaged model changes; hashes are of older weights that may go on rendering.
A key is made, signs one consent for each performer and the very weights file that is packaged, and
is thrown away: only its public half is written, as the one issuer trusted without a word of the
operator's, for these names, as synthetic. It does not know whether a performer was drawn: whoever
packages one answers for it.
"""

import hashlib
import sys
import time
from pathlib import Path

import msgspec

from bodyswap.rights.consent import ANY, KIND, Signer, Terms, terms_payload
from bodyswap.rights.signed import sign
from bodyswap.rights.signing_keys import make_signing_key
from bodyswap.rights.trust import Capacity, Issuer, Trust
from bodyswap.subjects import packaged_subjects

FOLDER = Path(__file__).parent / "synthetic"
_WEIGHTS = "generator.safetensors"
_FOREVER = 253402300799
"""The last second of the year 9999."""


def release(
    subjects: dict[str, Path], folder: Path, *, now_s: float, also: tuple[str, ...] = ()
) -> None:
    """Write `folder`/NAME.jws for each subject, and trust.yaml with the key that signed them.

    `also` are SHA-256 of further weights files of theirs, where an older model must still render.
    """
    key = make_signing_key()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jws"):
        old.unlink()
    for name, model in subjects.items():
        digest = hashlib.sha256((model / _WEIGHTS).read_bytes()).hexdigest()
        terms = synthetic_terms(name, key.public, (digest, *also), now_s)
        (folder / f"{name}.jws").write_bytes(sign(terms_payload(terms), KIND, [key]))
    issuer = Issuer(
        name="bodyswap release",
        key=key.public,
        capacities=(Capacity.SYNTHETIC,),
        subjects=tuple(sorted(subjects)),
    )
    (folder / "trust.yaml").write_bytes(msgspec.yaml.encode(Trust(issuers=(issuer,))))


def synthetic_terms(name: str, key: str, checkpoints: tuple[str, ...], now_s: float) -> Terms:
    """Terms for somebody who was drawn: anything may be done with these weights."""
    return Terms(
        subject=name,
        signers=(Signer(name="bodyswap release", capacity=Capacity.SYNTHETIC, key=key),),
        productions=(ANY,), shots=(ANY,), uses=(ANY,), territories=(ANY,), media=(ANY,),
        training=False, footage=(), checkpoints=checkpoints,
        issued=int(now_s), not_before=int(now_s), expires=_FOREVER, delete_by=_FOREVER,
        contact="nobody: a synthetic performer, drawn by bodyswap.stage",
    )  # fmt: skip


if __name__ == "__main__":
    release(packaged_subjects(), FOLDER, now_s=time.time(), also=tuple(sys.argv[1:]))
