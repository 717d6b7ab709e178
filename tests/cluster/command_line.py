"""The command line in this process, as a person at a shell meets it."""

import sys

import pytest

from cluster.cli.app import main


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code, what was said on stdout, and what was complained on stderr."""
    before = sys.argv
    sys.argv = ["bodyswap", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as ending:
            main()
    finally:
        sys.argv = before
    said = capsys.readouterr()
    code = ending.value.code
    return (code if isinstance(code, int) else 0), said.out, said.err
