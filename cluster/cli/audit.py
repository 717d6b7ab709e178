"""The verbs about the audit log: `bodyswap audit verify | export | report`.

It does not know what is written down when; `doors` does.
"""

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bodyswap.cli import JsonOption
from bodyswap.environment import default_store_url
from bodyswap.errors import UsageError
from bodyswap.rights.audit import Verified
from bodyswap.rights.trust import operator_trust
from bodyswap.terminal import say
from cluster.cli.options import StoreOption
from cluster.rights.audit_log import read_verified
from cluster.stores.opening import open_store
from cluster.telling.rights_words import usage_report

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
        raise UsageError(f"cannot write '{out}': {error.strerror}") from error
    told = {"file": str(out), "entries": len(lines)}
    say(json.dumps(told) if as_json else f"{len(lines)} entries in {out}")


@app.command()
def report(
    subject: Annotated[str, typer.Argument(help="Whom the report is about.")],
    store: StoreOption = None,
) -> None:
    """What was done with a person, and what was refused, for them to read."""
    say("\n".join(usage_report(subject, _log(store).entries)))


def _log(store: str | None) -> Verified:
    return read_verified(open_store(store or default_store_url()), operator_trust())
