"""The verbs about the audit log: `bodyswap audit verify | export | report`.

It does not know what is written down when; `doors` does.
"""

import contextlib
import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url
from bodyswap.errors import SubjectError, UsageError
from bodyswap.rights.audit import Verified
from bodyswap.rights.consent import ConsentRecord, read_consent
from bodyswap.rights.refusal import RefusedError
from bodyswap.rights.trust import operator_trust
from bodyswap.terminal import complain, say
from cluster.cli.options import StoreOption, named_store
from cluster.jobs.observe import read_spec
from cluster.rights.audit_log import read_verified
from cluster.rights.consents import consents_of
from cluster.stores.opening import open_store
from cluster.stores.store import Store
from cluster.telling.usage_words import usage_report

app = typer.Typer(no_args_is_help=True)


@app.command()
def verify(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Whether the log is whole and unchanged, and up to where an auditor signed for it."""
    log = _log(store)
    count, signed = len(log.entries), log.signed_up_to
    if as_json:
        say(json.dumps({"entries": count, "signed_up_to": signed}))
        return
    vouched = "no entry is signed for" if signed is None else f"signed for up to entry {signed}"
    if not count:
        complain(f"{named_store(store).url} holds no audit log; is it the --store you mean?")
    say(f"{count} entries, each following the one before; {vouched}")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The file to write, a JSON object a line.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole log, once it is proven, into a file."""
    log = _log(store)
    lines = [msgspec.json.encode(entry).decode() for entry in log.entries]
    try:
        out.write_text("\n".join([*lines, ""]) if lines else "")
    except OSError as error:
        raise UsageError(
            f"cannot write '{out}': {error.strerror}; give a file in a folder that may be written"
        ) from error
    told = {"file": str(out), "entries": len(lines)}
    say(json.dumps(told) if as_json else f"{len(lines)} entries in {out}")


@app.command()
def report(
    subject: Annotated[str, typer.Argument(help="Whom the report is about.")],
    store: StoreOption = None,
) -> None:
    """What was done with a person, and what was refused, for them to read.

    Raises SubjectError where neither the log nor any consent speaks of them.
    """
    opened = open_store(store or default_store_url())
    log, consents = _log(store), _consents(opened, subject)
    named = {entry.fact.subject for entry in log.entries if entry.fact.subject}
    if subject not in named and not consents:
        known = f"; it speaks of {', '.join(sorted(named))}" if named else ", which is empty"
        raise SubjectError(
            f"nobody called '{subject}' is in the log of {opened.url}{known}; check the name, and"
            " that --store is the one you mean"
        )
    jobs = {entry.fact.job for entry in log.entries if entry.fact.subject == subject}
    rates = {spec.job: spec.rate for job in jobs - {""} if (spec := read_spec(opened, job))}
    say("\n".join(usage_report(subject, log.entries, consents, rates)))


def _consents(store: Store, subject: str) -> tuple[ConsentRecord, ...]:
    """Those that this machine can read, which decides nothing here."""
    records, trust = [], operator_trust()
    for source, token in consents_of(store, subject):
        with contextlib.suppress(RefusedError):
            records.append(read_consent(token, trust, source=source))
    return tuple(records)


def _log(store: str | None) -> Verified:
    return read_verified(open_store(store or default_store_url()), operator_trust())
