"""The verbs about where a file comes from: `bodyswap verify | certificate`.

It does not know C2PA. `verify` also looks the consent up, to tell its state today.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.config import default_store_url
from bodyswap.errors import BodyswapError, IntegrityError, UsageError
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.consent import read_consent
from bodyswap.rights.permit import check_standing
from bodyswap.rights.provenance import Proof, read_proof
from bodyswap.rights.sequence import LIST, read_sequence_proof
from bodyswap.rights.trust import Trust, operator_trust
from bodyswap.terminal import say
from cluster import consents
from cluster.cli_options import StoreOption
from cluster.store import open_store

app = typer.Typer()


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A delivered file, or a sequence's list of frames.")],
    anchors: Annotated[
        Path | None, typer.Option(help="Root certificates, PEM.  [default: rights.yaml's]")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell plate, subject, consent and its state today, job, and whether the file was touched."""
    trust = operator_trust()
    read = read_sequence_proof if file.suffix == LIST else read_proof
    proof = read(_there(file), _anchors(anchors, trust))
    if proof is None:
        raise IntegrityError(f"'{file}' says nothing of its origin, and has no sidecar beside it")
    standing = _standing(proof, trust, store)
    if as_json:
        say(json.dumps({**asdict(proof), "consent_today": standing}))
    else:
        say("\n".join(_lines(file, proof, standing)))
    if proof.state == "Invalid":
        raise IntegrityError(f"'{file}' was touched since it was signed: {proof.failures[0]}")
    if not proof.is_trusted:
        raise IntegrityError(
            f"'{file}' is signed by {proof.signed_by}, who is not on the trust list; --anchors"
        )


@app.command()
def certificate(
    folder: Annotated[Path, typer.Argument(help="A folder to make.")],
    organisation: Annotated[str, typer.Option(help="Who signs deliverables.")],
) -> None:
    """Make a signing chain for deliverables; rights.yaml names it as its seal, and as anchors."""
    make_chain(folder, organisation, now_s=time.time())
    say(str(folder))


def _lines(file: Path, proof: Proof, standing: str) -> list[str]:
    lines = [
        f"{file}",
        f"state        {proof.state}, signed by {proof.signed_by}",
        f"plate        {proof.plate}",
    ]
    if proof.origin is not None:
        origin = proof.origin
        lines += [
            f"subject      {origin.subject}, checkpoint {origin.checkpoint[:12]}…",
            f"consent      {origin.consent}: {standing}",
            f"job          {origin.job}, {origin.production}, frames {origin.frames}",
            f"approved by  {origin.approved_by or 'nobody'}",
        ]
    return [*lines, *(f"wrong        {failure}" for failure in proof.failures)]


def _standing(proof: Proof, trust: Trust, store: str | None) -> str:
    """The consent's state today, in words: it may be unknown here."""
    if proof.origin is None:
        return "no consent is named"
    try:
        opened = open_store(store or default_store_url())
        found = consents.consents_of(opened, proof.origin.subject)
        for source, token in found:
            record = read_consent(token, trust, source=source)
            if record.id == proof.origin.consent:
                check_standing(record, time.time(), consents.latest_revocations(opened, trust))
                return "stands"
    except BodyswapError as error:
        return str(error)
    return "not known here"


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
