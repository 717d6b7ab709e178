"""The command line: `bodyswap VERB`. The verbs are mounted here, each from the file of its story.

It does not know how anything is done, only what was asked. Exit codes are the errors' own (see
`bodyswap.errors`): 0 done, 1 internal error, 2 wrong request, 3 plate, 4 nobody in it, 5 subject,
6 pose model, 7 store, 8 the job ended without a shot, 9 no consent. `wait` has its own (see
`cluster.telling.waiting`).
"""

import errno
import importlib.metadata
import sys
from typing import Annotated

import typer

from bodyswap.cli import app as local_verbs
from bodyswap.cli_train import app as train_verbs
from bodyswap.errors import BodyswapError, UsageError
from bodyswap.terminal import complain, say
from cluster.cli.audit import app as audit_verbs
from cluster.cli.conform import app as conform_verbs
from cluster.cli.control import app as control_verbs
from cluster.cli.farm import app as work_verbs
from cluster.cli.gc import app as gc_verb
from cluster.cli.jobs import app as job_verbs
from cluster.cli.listen import app as listen_verb
from cluster.cli.provenance import app as provenance_verbs
from cluster.cli.render import app as render_verbs
from cluster.cli.rights import app as consent_verbs
from cluster.cli.serve import app as serve_verbs
from cluster.cli.share import app as share_verbs
from cluster.cli.subject import app as subject_verbs
from cluster.cli.train import app as farm_train_verbs
from cluster.cli.up import app as farm_verbs

_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (
    render_verbs, conform_verbs, job_verbs, share_verbs, control_verbs, work_verbs, listen_verb,
    gc_verb, serve_verbs, train_verbs, farm_train_verbs, provenance_verbs, local_verbs,
):  # fmt: skip
    app.add_typer(verbs)
app.add_typer(consent_verbs, name="consent", help="Make, show, check and revoke consents.")
app.add_typer(audit_verbs, name="audit", help="Check, export and report what was done with whom.")
app.add_typer(farm_verbs, name="farm", help="Run the farm.")
app.add_typer(subject_verbs, name="subject", help="Show subjects, and carry them to and fro.")


@app.callback(invoke_without_command=True)
def bodyswap(
    version: Annotated[bool, typer.Option("--version", help="Say which bodyswap this is.")] = False,
) -> None:
    """Put one consenting person into another's motion."""
    if version:
        say(f"bodyswap {importlib.metadata.version('bodyswap')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; an error on purpose is one line, and its exit code."""
    try:
        app(prog_name="bodyswap")
    except BodyswapError as error:
        complain(f"bodyswap: {' '.join(str(error).split())}")
        sys.exit(error.exit_code)
    except OSError as error:  # of a file that no stage answers for: no permission, a full disk
        if error.filename is None and error.errno not in _FULL:
            raise  # nobody is helped by a line that names no file: show where it happened
        place = f"'{error.filename}'" if error.filename is not None else "a file"
        complain(f"bodyswap: cannot use {place}: {error.strerror}; {_what_to_do(error)}")
        sys.exit(UsageError.exit_code)
    except SystemExit as ending:
        if ending.code == _INTERRUPTED:  # typer's answer to Ctrl-C, which says nothing
            complain("bodyswap: interrupted; the same command goes on from what is committed")
        raise


def _what_to_do(error: OSError) -> str:
    if error.errno in _FULL:
        return "make room there, and run the same command again"
    return "check that it is there and may be read and written"
