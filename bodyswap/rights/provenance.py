"""Provenance: C2PA manifests on what is delivered, and reading them back.

The one user of c2pa. It does not know jobs or stores: files, facts and a signature come in, a
signed file comes out, or a sidecar beside one that cannot hold a manifest. Only whoever releases a
shot holds the key; workers never see it.
"""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from bodyswap.errors import InputError, UsageError
from bodyswap.rights.origin import BYTES, Origin, manifest_of, origin_told
from bodyswap.rights.verdict import Verdict, manifest_of_verdict, verdict_beside, verdict_told

SIDECAR = ".c2pa"
_EMBEDS = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What signs: a certificate chain, PEM, and the leaf's Ed25519 key, as PEM or as a callback.

    `sign` takes bytes and answers their signature, as a key service does that never gives its key
    away. `timestamp_url` names an RFC 3161 server.
    """

    chain: str
    key: str | None = None
    sign: Callable[[bytes], bytes] | None = None
    timestamp_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The signed file, its sidecar if it could hold no manifest, and what went wrong on the way."""

    path: Path
    sidecar: Path | None
    timestamp_trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a file's manifest says, and whether it may be believed.

    `state` is the library's word: Trusted, Valid (whole, but signed by nobody on the trust list) or
    Invalid; `failures` say why.
    """

    state: str
    signed_by: str
    origin: Origin | None
    plate: str
    failures: tuple[str, ...]
    verdict: Verdict | None = None

    @property
    def is_trusted(self) -> bool:
        return self.state == "Trusted"


def seal_file(file: Path, plate: Path, out: Path, origin: Origin, seal: Seal) -> Sealed:
    """Write `file`, signed, to `out`; with a sidecar beside it where its format holds no manifest.

    A timestamp server that does not answer costs the timestamp, and is told of in the result.

    Raises:
        UsageError: the certificate or the key cannot be used.
    """
    kind = _format(file)
    paper = _Paper(
        file=file, kind=kind, parent=plate, label="plate", says=manifest_of(file, origin)
    )
    manifest, trouble = _signed_in_time(paper, out, seal)
    if kind != BYTES:
        return Sealed(path=out, sidecar=None, timestamp_trouble=trouble)
    sidecar = out.with_name(out.name + SIDECAR)
    sidecar.write_bytes(manifest)
    shutil.copyfile(file, out)
    return Sealed(path=out, sidecar=sidecar, timestamp_trouble=trouble)


def seal_verdict(file: Path, out: Path, verdict: Verdict, software: str, seal: Seal) -> None:
    """Write the signed manifest of a verdict on `file`, which stays as it is, to `out`.

    Raises:
        UsageError: the certificate or the key cannot be used.
    """
    says = manifest_of_verdict(file, verdict, software)
    paper = _Paper(file=file, kind=BYTES, parent=file, label="judged", says=says)
    out.write_bytes(_signed_in_time(paper, out, seal)[0])


def read_verdict(file: Path, anchors: str) -> Proof | None:
    """What the verdict beside the file proves; None where there is none.

    Raises:
        InputError: the file or the verdict cannot be read.
    """
    beside = verdict_beside(file)
    return _read(file, BYTES, beside, anchors) if beside.is_file() else None


def read_proof(file: Path, anchors: str) -> Proof | None:
    """What the file's manifest, or its sidecar's, proves; None where it has neither.

    `anchors` are the root certificates that are trusted, PEM.

    Raises:
        InputError: the file or its manifest cannot be read.
    """
    sidecar = file.with_name(file.name + SIDECAR)
    if sidecar.is_file():
        return _read(file, _format(file), sidecar, anchors)
    return None if _format(file) == BYTES else _read(file, _format(file), None, anchors)


def _read(file: Path, kind: str, sidecar: Path | None, anchors: str) -> Proof | None:
    import c2pa

    trust = {"user_anchors": anchors} if anchors else {}
    try:
        context = c2pa.Context.from_dict({"trust": trust, "verify": {"verify_trust": True}})
        with file.open("rb") as stream:
            data = None if sidecar is None else sidecar.read_bytes()
            return _proof(c2pa.Reader(kind, stream, data, context=context))
    except c2pa.C2paError.ManifestNotFound:
        return None
    except (OSError, c2pa.C2paError) as error:
        raise InputError(f"cannot read what '{file}' says of its origin: {error}") from error


class _Reader(Protocol):
    """What is asked of the library's reader."""

    def json(self) -> str: ...
    def get_validation_state(self) -> str | None: ...


class _Assertion(msgspec.Struct, frozen=True):
    label: str
    data: object = None


class _Ingredient(msgspec.Struct, frozen=True):
    title: str = ""
    relationship: str = ""


class _SignatureInfo(msgspec.Struct, frozen=True):
    issuer: str = "unknown"


class _Manifest(msgspec.Struct, frozen=True):
    assertions: tuple[_Assertion, ...] = ()
    ingredients: tuple[_Ingredient, ...] = ()
    signature_info: _SignatureInfo = _SignatureInfo()


class _Finding(msgspec.Struct, frozen=True):
    code: str
    explanation: str = ""


class _Findings(msgspec.Struct, frozen=True):
    failure: tuple[_Finding, ...] = ()


class _Results(msgspec.Struct, frozen=True):
    active_manifest: _Findings = msgspec.field(name="activeManifest", default=_Findings())


class _Told(msgspec.Struct, frozen=True):
    """As much of the reader's JSON as is of interest."""

    active_manifest: str = ""
    manifests: dict[str, _Manifest] = {}
    validation_results: _Results = _Results()


class _SigningError(Exception):
    """The library would not sign; its own words."""


@dataclass(frozen=True, kw_only=True)
class _Paper:
    """What is to be signed: what it says of `file`, which came of `parent`, called `label`."""

    file: Path
    kind: str
    parent: Path
    label: str
    says: dict[str, object]


def _signed_in_time(paper: _Paper, out: Path, seal: Seal) -> tuple[bytes, str]:
    """The manifest's bytes, and what kept it from having a timestamp."""
    try:
        return _signed(paper, out, seal, seal.timestamp_url), ""
    except _SigningError as error:
        if seal.timestamp_url is None:
            raise _unusable(paper.file, error) from error
        trouble = f"no timestamp from {seal.timestamp_url}: {error}"
    try:
        return _signed(paper, out, seal, None), trouble
    except _SigningError as error:
        raise _unusable(paper.file, error) from error


def _unusable(file: Path, error: _SigningError) -> UsageError:
    return UsageError(f"cannot sign '{file.name}': {error}; check the chain and its key")


def _signed(paper: _Paper, out: Path, seal: Seal, timestamp_url: str | None) -> bytes:
    """The manifest's bytes; `out` is written where the format embeds it."""
    import c2pa

    kind, parent = paper.kind, paper.parent
    try:
        with c2pa.Builder(paper.says) as builder:
            with parent.open("rb") as source:
                about = {"title": parent.name, "relationship": "parentOf", "label": paper.label}
                builder.add_ingredient(about, _format(parent), source)
            if kind == BYTES:
                builder.set_no_embed()
            with paper.file.open("rb") as source, _destination(out, kind) as target:
                return bytes(builder.sign(_signer(seal, timestamp_url), kind, source, target))
    except c2pa.C2paError as error:
        raise _SigningError(str(error)) from error


def _signer(seal: Seal, timestamp_url: str | None) -> object:
    import c2pa

    if seal.sign is not None:
        algorithm = c2pa.C2paSigningAlg.ED25519
        return c2pa.Signer.from_callback(seal.sign, algorithm, seal.chain, timestamp_url)
    if seal.key is None:
        raise UsageError("a seal needs a key's file, or a callback that signs")
    url = timestamp_url.encode() if timestamp_url else None
    info = c2pa.C2paSignerInfo(b"ed25519", seal.chain.encode(), seal.key.encode(), url)
    return c2pa.Signer.from_info(info)


def _destination(out: Path, kind: str) -> io.BufferedIOBase:
    return io.BytesIO() if kind == BYTES else out.open("w+b")


def _proof(reader: _Reader) -> Proof:
    told = _told(reader.json())
    manifest = told.manifests.get(told.active_manifest)
    if manifest is None:
        raise InputError(f"the manifest {told.active_manifest} is named, but not there")
    told_origins = (origin_told(one.label, one.data) for one in manifest.assertions)
    told_verdicts = (verdict_told(one.label, one.data) for one in manifest.assertions)
    parents = (one.title for one in manifest.ingredients if one.relationship == "parentOf")
    failures = told.validation_results.active_manifest.failure
    return Proof(
        state=str(reader.get_validation_state()),
        signed_by=manifest.signature_info.issuer,
        origin=next((one for one in told_origins if one is not None), None),
        plate=next(parents, ""),
        failures=tuple(f"{one.code}: {one.explanation}" for one in failures),
        verdict=next((one for one in told_verdicts if one is not None), None),
    )


def _told(text: str) -> _Told:
    try:
        return msgspec.json.decode(text, type=_Told)
    except msgspec.MsgspecError as error:
        raise InputError(f"the manifest says nothing that can be read: {error}") from error


def _format(file: Path) -> str:
    """The format as C2PA names it, or plain bytes for what can hold no manifest."""
    return _EMBEDS.get(file.suffix.lower(), BYTES)
