"""The verbs about where a file comes from: `bodyswap verify | certificate`.

It does not know C2PA. `verify` also looks the consent up, to tell its state today.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url
from bodyswap.errors import (
    BodyswapError,
    IntegrityError,
    StoreError,
    UnprovenError,
    UsageError,
)
from bodyswap.rights.audit import AuditEntry
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.consent import ConsentRecord, read_consent
from bodyswap.rights.mark import id_prefix
from bodyswap.rights.origin import Origin, Rendered
from bodyswap.rights.permit import check_standing
from bodyswap.rights.prints import BITS
from bodyswap.rights.provenance import Proof, read_proof
from bodyswap.rights.revocations import Revocations
from bodyswap.rights.sequence import LIST, list_of, read_sequence_proof
from bodyswap.rights.trust import Trust, operator_trust
from bodyswap.terminal import say
from cluster.cli.options import StoreOption
from cluster.cli.verdict import judge_verdict, verdict_lines, verdict_of
from cluster.delivering.approval import latest_ruling
from cluster.rights import consents
from cluster.rights.origins import Traced, log_of, trace
from cluster.stores.opening import open_store
from cluster.stores.store import Store
from cluster.telling.rights_words import day

app = typer.Typer()

_STANDS = "stands"


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A delivered file, or a sequence's list of frames.")],
    plate: Annotated[
        Path | None, typer.Option(help="Tell instead whether it lines up with this plate.")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(metavar="1001-1040", help="The plate's frames that it shows.")
    ] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="Root certificates, PEM.  [default: rights.yaml's]")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell plate, subject, consent and its state today, job, and whether the file was touched.

    A file without its signature is known again by its watermark, else by its looks, from the
    store's audit log. Exit codes: 0 signed, trusted and untouched; 10 known, but not proven; 7
    touched, signed by a stranger, or unknown; 2 and 3 not readable. With --plate: every frame is
    decoded; frame count, rate, times, timecode, reel and sound are held against the plate's; 7
    where one differs.
    """
    if plate is not None:
        _line_up(file, plate, frames, as_json=as_json)
        return
    if frames is not None:
        raise UsageError(f"frames '{frames}' are a plate's; name it by --plate")
    trust = operator_trust()
    proof = _proof(_there(file), _anchors(anchors, trust))
    verdict = verdict_of(file, _anchors(anchors, trust))
    log, trouble = _log(trust, store)
    is_proven = proof is not None and proof.is_trusted
    traced = None if is_proven or file.suffix == LIST else trace(file, log, trust)
    origins = _origins(proof, traced)
    told = [_tell(origin, trust, store, log) for origin in origins]
    if as_json:
        say(json.dumps(_as_json(proof, traced, told, trouble, verdict)))
    else:
        say(
            "\n".join(
                [
                    str(file),
                    *_lines(proof, traced, told),
                    *verdict_lines(verdict),
                    *_named("log", trouble),
                ]
            )
        )
    _judge(file, proof, traced)
    judge_verdict(file, verdict)


def _line_up(file: Path, plate: Path, frames: str | None, *, as_json: bool) -> None:
    # Reading film takes PyAV, which telling origins does not.
    from bodyswap.media.index import index_clip
    from bodyswap.media.verify import verify_delivery

    part = None if frames is None else index_clip(plate).range_of(frames)
    findings = verify_delivery(file, plate, part)
    wrong = [finding.name for finding in findings if not finding.is_equal]
    if as_json:
        told = [asdict(each) | {"is_equal": each.is_equal} for each in findings]
        say(json.dumps({"file": str(file), "plate": str(plate), "findings": told}))
    else:
        for each in findings:
            word = "same" if each.is_equal else f"WRONG: the plate has {each.plate}"
            say(f"{each.name:18} {each.delivery or 'none'}  {word}")
    if wrong:
        raise IntegrityError(f"{file} does not line up with {plate}: {', '.join(wrong)}")


@app.command()
def certificate(
    folder: Annotated[Path, typer.Argument(help="A folder to make.")],
    organisation: Annotated[str, typer.Option(help="Who signs deliverables.")],
) -> None:
    """Make a signing chain for deliverables; rights.yaml names it as its seal, and as anchors."""
    make_chain(folder, organisation, now_s=time.time())
    say(str(folder))


def _proof(file: Path, anchors: str) -> Proof | None:
    """The file's own proof; of a sequence's list, or a frame that one names, the sequence's."""
    listed = file if file.suffix == LIST else list_of(file)
    return read_proof(file, anchors) if listed is None else read_sequence_proof(listed, anchors)


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An origin, with what is known of it today: of the consent of each who is rendered."""

    origin: Origin
    consents_today: tuple[str, ...]
    ruling: str

    @property
    def consent_today(self) -> str:
        """In one word where all stand, else what is wrong."""
        return next((each for each in self.consents_today if each != _STANDS), _STANDS)


def _origins(proof: Proof | None, traced: Traced | None) -> tuple[Origin, ...]:
    """What the signature says, where there is one; else what the file was recognised as."""
    if proof is not None and proof.origin is not None:
        return (proof.origin,)
    return traced.origins if traced else ()


def _tell(origin: Origin, trust: Trust, store: str | None, log: Sequence[AuditEntry]) -> _Told:
    ruling = latest_ruling(log, origin.job)
    if ruling is not None:
        fact = ruling.fact
        words = f"{fact.event} by {fact.by} on {day(ruling.at)}: {fact.detail}"
    else:
        words = f"approved by {origin.approved_by}" if origin.approved_by else "by nobody"
    today = tuple(_standing(one, trust, store) for one in origin.everybody)
    return _Told(origin=origin, consents_today=today, ruling=words)


def _as_json(
    proof: Proof | None,
    traced: Traced | None,
    told: Sequence[_Told],
    trouble: str,
    verdict: Proof | None,
) -> dict[str, object]:
    """One object; a signed file's has `origin` and `consent_today` at its top."""
    known = "signature" if proof is not None else (traced.known_by if traced else "nothing")
    first = {"origin": asdict(told[0].origin), "consent_today": told[0].consent_today,
             "ruling": told[0].ruling} if told else {"origin": None}  # fmt: skip
    return {
        **(asdict(proof) if proof else {"state": "Unsigned"}),
        **first,
        "known_by": known,
        "traced": asdict(traced) if traced else None,
        "origins": [asdict(each) | {"consent_today": each.consent_today} for each in told],
        "log_trouble": trouble,
        "verdict": asdict(verdict) if verdict else None,
    }


def _lines(proof: Proof | None, traced: Traced | None, told: Sequence[_Told]) -> list[str]:
    lines = []
    if proof is not None:
        lines += [
            f"state        {proof.state}, signed by {proof.signed_by}",
            f"plate        {proof.plate}",
        ]
    if traced is not None:
        lines += _traced_lines(proof, traced)
    for each in told:
        origin = each.origin
        for one, today in zip(origin.everybody, each.consents_today, strict=True):
            lines += [
                f"subject      {one.subject}, checkpoint {one.checkpoint[:12]}…",
                f"consent      {one.consent}: {today}",
            ]
        lines += [
            f"job          {origin.job}, {origin.production}, frames {origin.frames}",
            f"judged       {each.ruling}",
        ]
    return [*lines, *(f"wrong        {failure}" for failure in (proof.failures if proof else ()))]


def _traced_lines(proof: Proof | None, traced: Traced) -> list[str]:
    lines = [] if proof is not None else ["state        no signature"]
    lines += [
        f"watermark    {id_prefix(mark.payload)}…, {mark.z:.0f} deviations out of the noise"
        for mark in traced.marks
    ]
    lines += [f"watermark    {name} is of no job in this store's log" for name in traced.strange]
    if traced.likeness is not None:
        how = traced.likeness
        lines.append(
            f"likeness     {how.alike:.0%} of the frames look like that shot's,"
            f" {how.distance_bits:.0f} of {BITS} bits apart: no proof"
        )
    return lines


def _judge(file: Path, proof: Proof | None, traced: Traced | None) -> None:
    if proof is not None and proof.state == "Invalid":
        raise IntegrityError(f"'{file}' was touched since it was signed: {proof.failures[0]}")
    if proof is not None and not proof.is_trusted:
        raise IntegrityError(
            f"'{file}' is signed by {proof.signed_by}, who is not on the trust list; --anchors"
        )
    if proof is None and traced is not None and traced.known_by != "nothing":
        raise UnprovenError(
            f"'{file}' carries no signature; its {traced.known_by} tells where it comes from, not"
            " whether it was touched"
        )
    if proof is None:
        raise IntegrityError(
            f"'{file}' says nothing of its origin: no signature, no sidecar beside it, no watermark"
            " under this farm's key, and no shot in the log that looks like it"
        )


def _log(trust: Trust, store: str | None) -> tuple[tuple[AuditEntry, ...], str]:
    """The log, or why it tells nothing here."""
    try:
        return log_of(open_store(store or default_store_url()), trust), ""
    except StoreError as error:
        return (), str(error)


def _named(name: str, words: str) -> list[str]:
    return [f"{name:<12} {words}"] if words else []


def _standing(rendered: Rendered, trust: Trust, store: str | None) -> str:
    """The consent's state today, in words: it may be unknown here."""
    try:
        opened = open_store(store or default_store_url())
        found = consents.consents_of(opened, rendered.subject)
        for source, token in found:
            record = read_consent(token, trust, source=source)
            if record.id == rendered.consent:
                check_standing(record, time.time(), _revocations(opened, trust, record))
                return _STANDS
    except BodyswapError as error:
        return str(error)
    return "not known here"


def _revocations(store: Store, trust: Trust, record: ConsentRecord) -> Revocations | None:
    """Nobody can revoke a synthetic performer's consent."""
    return None if record.is_synthetic else consents.latest_revocations(store, trust)


def _anchors(path: Path | None, trust: Trust) -> str:
    named = path or (Path(trust.anchors) if trust.anchors else None)
    if named is None:
        return ""
    try:
        return named.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the root certificates '{named}': {error}") from error


def _there(file: Path) -> Path:
    if not file.is_file():
        raise UsageError(f"'{file}' is not a file")
    return file
