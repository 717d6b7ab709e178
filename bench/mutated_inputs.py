"""Ten thousand broken inputs: each is refused in one line, or means what the whole one meant.

    python -m bench.mutated_inputs [COUNT]

Consents, revocation lists, rights.yaml, drafts, cards, job specs, audit entries, safetensors, C2PA
sidecars, clips, EXR frames, cut lists and notices of objects are flipped, cut, doubled and stuffed.
Any other exception than BodyswapError ends the run with the input that did it; the slowest input
and the memory that was taken are told at the end.
"""

import hashlib
import random
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.mutated_media import readings
from bodyswap.errors import BodyswapError
from bodyswap.nets.card import read_card
from bodyswap.nets.checkpoint import CARD as CARD_FILE
from bodyswap.nets.checkpoint import load_card, load_subject, put_card, save_subject
from bodyswap.nets.generator import Generator
from bodyswap.rights.audit import Event, Fact, entry_bytes, read_entry
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.consent import read_consent
from bodyswap.rights.draft import EXAMPLE, read_draft
from bodyswap.rights.origin import Origin
from bodyswap.rights.provenance import Seal, read_proof, seal_file
from bodyswap.rights.revocations import read_revocations, sign_revocations
from bodyswap.rights.trust import read_trust
from bodyswap.timing import FrameRange
from cluster.jobs.job import JobSpec
from cluster.stores.record import from_yaml, to_yaml
from tests.cluster.specs import make_spec
from tests.nets.test_checkpoint import BACKGROUND, CARD
from tests.rights.papers import FRESH, MARA, REGISTRY, TERMS, TRUST, token

_STUFFING = (
    b"\x00", b"\xff\xfe", b"[" * 3000, b"{" * 3000, b"- " * 2000, b"9" * 400, b"-1", b"1e999",
    b"NaN", b"null", b'"', b"\\", b"*a", b"&a [*a, *a]", b"!!python/object:os.system ",
    b"<<: *x", b"\n", b" " * 5000, b"../../", b"%s%n", "\u202e".encode(), b"true", b"[]", b"{}",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target:
    """An input, whole, and what reads it; `read` answers what it means."""

    name: str
    whole: bytes
    read: Callable[[bytes], object]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many mutations of a target were refused, and how many taken."""

    refused: int
    taken: int
    slowest_s: float


def mutate(whole: bytes, chance: random.Random) -> bytes:
    """The input with one to four things wrong with it."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0 if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            case 1:
                del data[place : place + chance.choice((1, 2, 30))]
            case 2:
                data[place:place] = chance.choice(_STUFFING)
            case 3:
                data[place:place] = data[chance.randrange(len(data) + 1) :][:200]
            case 4:
                data[place : place + 4] = chance.choice(_STUFFING)
            case _ if chance.random() < 0.2:
                del data[place:]
    return bytes(data)


def attack(target: Target, count: int, seed: int) -> Outcome:
    """Read `count` mutations of the target.

    Raises:
        Exception: what a reader raised that is no BodyswapError, with the input in a note.
    """
    chance = random.Random(f"{seed} {target.name}")
    ends: Counter[str] = Counter()
    slowest_s = 0.0
    for _ in range(count):
        data = mutate(target.whole, chance)
        started_s = time.perf_counter()
        try:
            target.read(data)
            ends["taken"] += 1
        except BodyswapError as error:
            assert len(str(error)) < 100_000
            ends["refused"] += 1
        except Exception as error:
            error.add_note(f"{target.name} was broken by {data!r}"[:3000])
            raise
        slowest_s = max(slowest_s, time.perf_counter() - started_s)
    return Outcome(refused=ends["refused"], taken=ends["taken"], slowest_s=slowest_s)


@contextmanager
def targets() -> Iterator[tuple[Target, ...]]:
    """Every input that strangers may write, on files in a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = (Target(name=kind, whole=data, read=read) for kind, data, read in readings(folder))
        yield (*_papers(), *_plain(), *_models(folder), *_sidecars(folder), *media)


def _papers() -> Iterator[Target]:
    def consent(data: bytes) -> None:
        assert read_consent(data, TRUST, source="it").terms == TERMS, "a changed consent was taken"

    def revocations(data: bytes) -> None:
        assert read_revocations(data, TRUST, source="it") == FRESH, "a changed list was taken"

    yield Target(name="consent", whole=token(), read=consent)
    whole = sign_revocations(FRESH, REGISTRY)
    yield Target(name="revocation list", whole=whole, read=revocations)


def _plain() -> Iterator[Target]:
    def text(read: Callable[[str], object]) -> Callable[[bytes], object]:
        return lambda data: read(data.decode(errors="replace"))

    yield Target(
        name="rights.yaml",
        whole=msgspec.yaml.encode(TRUST),
        read=text(lambda words: read_trust(words, "it")),
    )
    yield Target(
        name="draft",
        whole=EXAMPLE.replace("ed25519:...", MARA.public).encode(),
        read=text(lambda words: read_draft(words, "it", now_s=1.8e9)),
    )
    yield Target(
        name="card", whole=CARD.to_text().encode(), read=text(lambda words: read_card(words, "it"))
    )
    spec = make_spec(frames=FrameRange(start=0, stop=40))
    yield Target(
        name="job spec",
        whole=to_yaml(spec),
        read=lambda data: from_yaml(data, JobSpec, what="it").job,
    )
    fact = Fact(event=Event.PERMITTED, by="w0", deed="render", subject="mara")
    yield Target(
        name="audit entry",
        whole=entry_bytes(None, fact, 1.8e9),
        read=lambda data: read_entry(data, "it"),
    )


def _models(folder: Path) -> Iterator[Target]:
    """A model whose author is the attacker: the card lists the broken file's own hash."""
    model = folder / "mara"
    save_subject(model, CARD, Generator(CARD.generator).state_dict(), BACKGROUND)
    for file in ("generator.safetensors", "background.png"):
        whole = (model / file).read_bytes()

        def load(data: bytes, file: str = file, whole: bytes = whole) -> None:
            (model / file).write_bytes(data)
            card = load_card(model)
            files = {**card.files, file: hashlib.sha256(data).hexdigest()}
            put_card(model, replace(card, files=files))
            try:
                load_subject(model, "cpu")
            finally:
                (model / file).write_bytes(whole)
                put_card(model, card)

        yield Target(name=file, whole=whole, read=load)
        if file.endswith(".safetensors"):
            yield _header(whole, load)
    card = (model / CARD_FILE).read_bytes()

    def load_by(data: bytes) -> None:
        (model / CARD_FILE).write_bytes(data)
        try:
            load_subject(model, "cpu")
        finally:
            (model / CARD_FILE).write_bytes(card)

    yield Target(name="model by its card", whole=card, read=load_by)


def _header(whole: bytes, load: Callable[[bytes], None]) -> Target:
    """The safetensors header alone, its length mended so that the mutation is read."""
    (length,) = struct.unpack("<Q", whole[:8])
    tensors = whole[8 + length :]

    def read(header: bytes) -> None:
        load(struct.pack("<Q", len(header)) + header + tensors)

    return Target(name="safetensors header", whole=whole[8 : 8 + length], read=read)


def _sidecars(folder: Path) -> Iterator[Target]:
    make_chain(folder / "seal", "Bench", now_s=time.time())
    chain, key = ((folder / "seal" / name).read_text() for name in ("chain.pem", "key.pem"))
    anchors = (folder / "seal/root.pem").read_text()
    frame = folder / "frame.exr"
    frame.write_bytes(bytes(range(256)))
    origin = Origin(
        job="j", subject="mara", checkpoint="c" * 64, consent="consent-1", plate_sha256="a" * 64,
        frames="1001", production="p", shot="s", software="bodyswap 0.1.0",
    )  # fmt: skip
    out = folder / "out.exr"
    sealed = seal_file(frame, frame, out, origin, Seal(chain=chain, key=key))
    assert sealed.sidecar is not None
    sidecar = sealed.sidecar

    def read(data: bytes) -> None:
        sidecar.write_bytes(data)
        proof = read_proof(out, anchors)
        assert proof is not None
        if proof.is_trusted:
            assert proof.origin == origin, "a changed manifest was trusted"

    yield Target(name="C2PA sidecar", whole=sidecar.read_bytes(), read=read)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with targets() as all_targets:
        share = -(-count // len(all_targets))
        for target in all_targets:
            got = attack(target, share, seed=1)
            print(
                f"{target.name:<24}{got.refused:>7} refused {got.taken:>6} taken"
                f"   slowest {got.slowest_s * 1000:.0f} ms"
            )
        print(f"{share * len(all_targets)} inputs")
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"memory taken at most: {taken / 1024:.0f} MB")


if __name__ == "__main__":
    main()
