"""What each way of failing means: try again, and how often, or stop the job.

Pure: `worker` and the runtimes say what happened, `decide` asks what follows.

    cause        what happened                                  attempts   then
    INPUT        the request cannot be met (InputError)                1   the job fails
    MODEL        pose model or subject do not load (ModelError)        1   the job fails
    STORE        the store failed or bytes were damaged                4   the job fails
    MACHINE      out of memory, disk full, other OS trouble            3   the job fails
    DEATH        the worker's process died                             3   the job fails
    UNEXPECTED   any other exception: a bug                            2   the job fails

Retries go to another worker where there is one. KeyboardInterrupt and SystemExit are no failures:
they end the process they reach.
"""

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bodyswap.errors import BodyswapError, InputError, JobError, ModelError, StoreError

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0


class Cause(StrEnum):
    """Why an attempt failed."""

    INPUT = "input"
    MODEL = "model"
    STORE = "store"
    MACHINE = "machine"
    DEATH = "death"
    UNEXPECTED = "unexpected"

    @property
    def most_attempts(self) -> int:
        return _MOST_ATTEMPTS[self]


_MOST_ATTEMPTS = {
    Cause.INPUT: 1,
    Cause.MODEL: 1,
    Cause.STORE: 4,
    Cause.MACHINE: 3,
    Cause.DEATH: 3,
    Cause.UNEXPECTED: 2,
}

_CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (InputError, Cause.INPUT),
    (ModelError, Cause.MODEL),
    (StoreError, Cause.STORE),
    (BodyswapError, Cause.UNEXPECTED),
    (MemoryError, Cause.MACHINE),
    (OSError, Cause.MACHINE),
    (Exception, Cause.UNEXPECTED),
)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One attempt's end without a commit. `evidence` is for whoever has to find out why."""

    cause: Cause
    message: str
    exit_code: int
    worker: str
    at_s: float
    evidence: str = ""


def classify(error: Exception, *, worker: str, at_s: float) -> Failure:
    """What `error`, raised by an attempt, means."""
    cause = next(cause for kind, cause in _CAUSES if isinstance(error, kind))
    known = isinstance(error, BodyswapError)
    return Failure(
        cause=cause,
        message=str(error) if known else f"{type(error).__name__}: {error}",
        exit_code=error.exit_code if isinstance(error, BodyswapError) else JobError.exit_code,
        worker=worker,
        at_s=at_s,
        evidence="".join(traceback.format_exception(error)),
    )


def death(*, worker: str, at_s: float, evidence: str) -> Failure:
    """The failure of an attempt whose worker's process died under it."""
    return Failure(
        cause=Cause.DEATH,
        message=f"worker {worker} died",
        exit_code=JobError.exit_code,
        worker=worker,
        at_s=at_s,
        evidence=evidence,
    )


def is_exhausted(failures: Sequence[Failure]) -> bool:
    """True where a shard with these failures is not tried again."""
    counts = Counter(failure.cause for failure in failures)
    return any(count >= cause.most_attempts for cause, count in counts.items())


def retry_at_s(failures: Sequence[Failure]) -> float:
    """When a shard with these failures may be tried again; 0 where it has none."""
    if not failures:
        return 0.0
    pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (len(failures) - 1))
    return failures[-1].at_s + pause_s
