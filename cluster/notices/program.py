"""One call of the operator's program with a message on its standard input; no shell reads it.

It does not know what is told, or what follows from the answer.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence

from cluster.notices.post import Answer

_TAKEN = 200
_LAST_WORDS_BYTES = 500


def call(argv: Sequence[str], *, message: str, body: str, timeout_s: float) -> Answer:
    """Run the program with `body` to read, and the message's id in $BODYSWAP_MESSAGE.

    An exit status of 0 takes the message; a program that is not done in time is killed.
    """
    environment = {**os.environ, "BODYSWAP_MESSAGE": message}
    # A file and no pipe: what the program leaves running could hold a pipe open for ever.
    with tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                argv, input=body.encode(), stdout=subprocess.DEVNULL, stderr=errors,
                env=environment, timeout=timeout_s, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return Answer(status=0, told=f"{type(error).__name__}: {error}")
        if done.returncode == 0:
            return Answer(status=_TAKEN, told="exit 0")
        errors.seek(0)
        said = errors.read(_LAST_WORDS_BYTES).decode(errors="replace")
        return Answer(status=0, told=f"exit {done.returncode}: {' '.join(said.split())}")
