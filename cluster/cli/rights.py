"""The verbs about consent: key, draft, issue, sign, push, show, verify, revoke, renew.

It does not know what makes a consent valid; cryptography is imported where a verb needs it.
"""

import getpass
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url
from bodyswap.errors import UsageError
from bodyswap.rights.audit import Event, Fact
from bodyswap.rights.consent import (
    KIND,
    check_trusted,
    read_partly_signed,
    read_signatures,
    terms_payload,
)
from bodyswap.rights.draft import EXAMPLE, read_draft
from bodyswap.rights.permit import check_standing
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import LONGEST_LIFE_S, Revoked
from bodyswap.rights.signed import add_signature, sign
from bodyswap.rights.signing_keys import (
    SigningKey,
    make_signing_key,
    read_signing_key,
    write_signing_key,
)
from bodyswap.rights.trust import operator_trust
from bodyswap.terminal import say
from cluster.cli.options import StoreOption
from cluster.rights import consents
from cluster.rights.audit_log import append
from cluster.rights.quarantine import quarantine
from cluster.stores.asker import AT_ONCE, Asker
from cluster.stores.opening import open_store
from cluster.stores.store import Store
from cluster.telling.rights_words import consent_lines, day

app = typer.Typer(no_args_is_help=True)

_HOUR_S = 3600
KeyOption = Annotated[Path, typer.Option(help="The private key, as `consent key` wrote it.")]
LockedOption = Annotated[bool, typer.Option("--passphrase", help="Ask for the key's passphrase.")]
HoursOption = Annotated[
    float,
    typer.Option(
        min=0.01, max=LONGEST_LIFE_S / _HOUR_S, help="The new list is believed for so long."
    ),
]
RecordArgument = Annotated[
    str, typer.Argument(help="A consent's file, or its id in the store.", metavar="CONSENT")
]


@app.command()
def key(
    path: Annotated[Path, typer.Argument(help="Where the private key is left.")],
    locked: LockedOption = False,
) -> None:
    """Make an Ed25519 key; prints its public half, which drafts and rights.yaml name."""
    made = make_signing_key()
    write_signing_key(path, made, _passphrase(locked, confirm=True))
    say(made.public)


@app.command()
def draft() -> None:
    """Print a draft to fill in, for `consent issue`."""
    say(EXAMPLE.rstrip())


@app.command()
def issue(
    text: Annotated[Path, typer.Argument(help="The draft, YAML.", metavar="DRAFT")],
    key: KeyOption,
    out: Annotated[
        Path | None, typer.Option(help="Where the consent is left.  [default: DRAFT.jws]")
    ] = None,
    locked: LockedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a consent of a draft and sign it; the others it names add theirs by `consent sign`."""
    terms = read_draft(_read(text).decode(errors="replace"), str(text), now_s=time.time())
    signing = _named_key(key, locked, [signer.key for signer in terms.signers])
    path = out or text.with_suffix(".jws")
    path.write_bytes(sign(terms_payload(terms), KIND, [signing]))
    _tell_signed(path, as_json)


@app.command(name="sign")
def sign_too(
    path: Annotated[Path, typer.Argument(help="The consent.", metavar="FILE")],
    key: KeyOption,
    locked: LockedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add a signature to a consent, after reading it by `consent show`."""
    record, _ = read_partly_signed(_read(path), source=str(path))
    signing = _named_key(key, locked, [signer.key for signer in record.terms.signers])
    path.write_bytes(add_signature(path.read_bytes(), KIND, signing, source=str(path)))
    _tell_signed(path, as_json)


@app.command()
def push(
    path: Annotated[Path, typer.Argument(help="A consent signed by all it names.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a consent into the store, where the farm finds it."""
    opened, now_s = _open(store), time.time()
    record = consents.put_consent(opened, _read(path), source=str(path))
    fact = Fact(
        event=Event.CONSENT_STORED, by=_me(), subject=record.terms.subject, consent=record.id
    )
    append(opened, fact, operator_trust(), at_s=now_s)
    say(json.dumps({"consent": record.id}) if as_json else record.id)


@app.command()
def show(record: RecordArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell what a consent says, and who has signed it; not whether they are trusted."""
    source, token = _found(record, store)
    shown, keys = read_partly_signed(token, source=source)
    unsigned = [one.name for one in shown.terms.signers if one.key not in keys]
    if as_json:
        terms = json.loads(terms_payload(shown.terms))
        say(json.dumps({"consent": shown.id, "unsigned": unsigned, "terms": terms}))
    else:
        say("\n".join([*consent_lines(shown), *(f"NOT SIGNED by {name}" for name in unsigned)]))


@app.command()
def verify(record: RecordArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Whether a consent stands now: signed by all, trusted here, in time, not revoked."""
    source, token = _found(record, store)
    read = read_signatures(token, source=source)
    trust = operator_trust()
    check_trusted(read, trust, source=source)
    revocations = None if read.is_synthetic else consents.latest_revocations(_open(store), trust)
    check_standing(read, time.time(), revocations)
    told = {"consent": read.id, "subject": read.terms.subject, "stands": True}
    say(json.dumps(told) if as_json else f"{read.id} of '{read.terms.subject}' stands")


@app.command()
def revoke(
    record: RecordArgument,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="Why, for the log and the refusals.")] = "",
    hours: HoursOption = 24.0,
    store: StoreOption = None,
    locked: LockedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take a consent back: jobs stop within a minute, its model and outputs are quarantined."""
    opened, now_s = _open(store), time.time()
    source, token = _found(record, store)
    read = read_signatures(token, source=source)
    trust = operator_trust()
    after = consents.revoke(
        opened,
        (Revoked(consent=read.id, at=int(now_s), reason=reason),),
        read_signing_key(key, _passphrase(locked)),
        trust,
        now_s=now_s,
        life_s=_life_s(hours),
    )
    fact = Fact(
        event=Event.REVOKED,
        by=_me(),
        subject=read.terms.subject,
        consent=read.id,
        detail=reason,
    )
    append(opened, fact, trust, at_s=now_s)
    with closing(Asker(AT_ONCE)) as asker:
        moved = quarantine(opened, read.terms.subject, trust, asker, by=_me(), now_s=now_s)
    told = {"consent": read.id, "list": after.number, "quarantined": moved}
    say(json.dumps(told) if as_json else f"{read.id} is revoked, {len(moved)} objects quarantined")


@app.command()
def renew(
    key: KeyOption,
    hours: HoursOption = 24.0,
    store: StoreOption = None,
    locked: LockedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sign the revocation list anew, before the last one's end, so that the farm stays open."""
    signing = read_signing_key(key, _passphrase(locked))
    after = consents.revoke(
        _open(store), (), signing, operator_trust(), now_s=time.time(), life_s=_life_s(hours)
    )
    told = {"list": after.number, "revoked": len(after.revoked), "expires": after.expires}
    words = f"list {after.number}, {len(after.revoked)} revoked, good until {day(after.expires)}"
    say(json.dumps(told) if as_json else words)


def _found(record: str, store: str | None) -> tuple[str, bytes]:
    """Source and token of a consent given by file or by id."""
    if Path(record).is_file():
        return record, _read(Path(record))
    found = consents.find_consent(_open(store), record)
    if found is None:
        raise RefusedError(
            Refusal.MISSING, f"'{record}' is neither a file nor a consent's id in the store"
        )
    return found


def _tell_signed(path: Path, as_json: bool) -> None:
    record, keys = read_partly_signed(path.read_bytes(), source=str(path))
    waiting = [one.name for one in record.terms.signers if one.key not in keys]
    if as_json:
        say(json.dumps({"consent": record.id, "file": str(path), "unsigned": waiting}))
        return
    rest = f"still to sign: {', '.join(waiting)}" if waiting else "signed by all"
    say(f"{record.id}  {path}  {rest}")


def _named_key(path: Path, locked: bool, named: list[str]) -> SigningKey:
    signing = read_signing_key(path, _passphrase(locked))
    if signing.public not in named:
        raise UsageError(
            f"'{path}' is the key {signing.public}, which the consent names nowhere as a signer's"
        )
    return signing


def _passphrase(locked: bool, *, confirm: bool = False) -> str | None:
    if not locked:
        return None
    return str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def _life_s(hours: float) -> int:
    return round(hours * _HOUR_S)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from error


def _open(url: str | None) -> Store:
    return open_store(url or default_store_url())


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"
