"""What each way of failing means: try again, where and how often, and what is to blame.

Pure: `worker` and the runtimes say what happened, `decide` asks what follows.

    cause        what happened                                    tries   then        against worker
    INPUT        the request cannot be met (InputError)               1   job fails   no
    MODEL        pose model or subject do not load (ModelError)       1   job fails   no
    STORE        the store failed (StoreError)                       20   job fails   no
    DAMAGE       stored bytes are not what they were                  3   job fails   no
    MEMORY       out of memory, the machine's or the GPU's            4   quarantine  yes
    MACHINE      disk full, other OS trouble                          4   quarantine  yes
    DEATH        the worker's process died under it                   3   quarantine  yes
    STALL        its frames stopped advancing                         3   quarantine  yes
    LOST         the worker's machine went away, or out of reach     20   quarantine  no
    UNEXPECTED   any other exception: a bug                           2   job fails   yes

A shard that three different workers failed, in whatever of the ways that end in quarantine except
LOST, is quarantined too: then the input is to blame. What Ray raises is told apart in
`RAY_CAUSES`. A retry goes to a worker that has not failed the shard, where there is one; after
each MEMORY with half the batch. KeyboardInterrupt and SystemExit are no failures: they end the
process they reach.
"""

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bodyswap.errors import (
    BodyswapError,
    InputError,
    IntegrityError,
    JobError,
    ModelError,
    StoreError,
)

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 30.0
_WORKERS_TO_BLAME_INPUT = 3


class Verdict(StrEnum):
    """What becomes of a shard that has failed."""

    RETRY = "retry"
    QUARANTINE = "quarantine"
    FAIL = "fail"


class Cause(StrEnum):
    """Why an attempt failed; each with its row of the table above."""

    most_attempts: int
    then: Verdict
    is_held_against_worker: bool

    INPUT = "input", 1, Verdict.FAIL, False
    MODEL = "model", 1, Verdict.FAIL, False
    STORE = "store", 20, Verdict.FAIL, False
    DAMAGE = "damage", 3, Verdict.FAIL, False
    MEMORY = "memory", 4, Verdict.QUARANTINE, True
    MACHINE = "machine", 4, Verdict.QUARANTINE, True
    DEATH = "death", 3, Verdict.QUARANTINE, True
    STALL = "stall", 3, Verdict.QUARANTINE, True
    LOST = "lost", 20, Verdict.QUARANTINE, False
    UNEXPECTED = "unexpected", 2, Verdict.FAIL, True

    def __new__(
        cls, value: str, most_attempts: int, then: Verdict, is_held_against_worker: bool
    ) -> "Cause":
        member = str.__new__(cls, value)
        member._value_ = value
        member.most_attempts = most_attempts
        member.then = then
        member.is_held_against_worker = is_held_against_worker
        return member

    @property
    def blames_input(self) -> bool:
        """True where it may be the shard that kills its workers."""
        return self.then is Verdict.QUARANTINE and self.is_held_against_worker


_CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (InputError, Cause.INPUT),
    (ModelError, Cause.MODEL),
    (IntegrityError, Cause.DAMAGE),
    (StoreError, Cause.STORE),
    (BodyswapError, Cause.UNEXPECTED),
    (MemoryError, Cause.MEMORY),
    (OSError, Cause.MACHINE),
    (Exception, Cause.UNEXPECTED),
)

RAY_CAUSES = {
    "OutOfMemoryError": Cause.MEMORY,
    "OutOfDiskError": Cause.MACHINE,
    "ObjectStoreFullError": Cause.MACHINE,
    "RuntimeEnvSetupError": Cause.MACHINE,
    "WorkerCrashedError": Cause.DEATH,
    "ActorDiedError": Cause.DEATH,
    "RayActorError": Cause.DEATH,
    "ActorUnavailableError": Cause.LOST,
    "NodeDiedError": Cause.LOST,
    "LocalRayletDiedError": Cause.LOST,
    "OwnerDiedError": Cause.LOST,
    "ObjectLostError": Cause.LOST,
    "ObjectFetchTimedOutError": Cause.LOST,
    "RpcError": Cause.LOST,
    "ActorUnschedulableError": Cause.LOST,
    "ActorPlacementGroupRemoved": Cause.LOST,
}
"""By the name of Ray's exception, or of the nearest above it; any other is a bug, UNEXPECTED."""


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
    known = isinstance(error, BodyswapError)
    return Failure(
        cause=_cause_of(error),
        message=str(error) if known else f"{type(error).__name__}: {error}",
        exit_code=error.exit_code if isinstance(error, BodyswapError) else JobError.exit_code,
        worker=worker,
        at_s=at_s,
        evidence="".join(traceback.format_exception(error)),
    )


def death(
    *, worker: str, at_s: float, evidence: str, cause: Cause = Cause.DEATH, message: str = ""
) -> Failure:
    """The failure of an attempt that did not end by itself, because of `cause`."""
    return Failure(
        cause=cause,
        message=message or _DEATHS[cause].format(worker),
        exit_code=JobError.exit_code,
        worker=worker,
        at_s=at_s,
        evidence=evidence,
    )


_DEATHS = {
    Cause.DEATH: "worker {} died",
    Cause.STALL: "worker {} stopped advancing and was ended",
    Cause.LOST: "worker {} is out of reach",
    Cause.MEMORY: "worker {} was ended because its machine ran out of memory",
    Cause.MACHINE: "worker {} could not go on on its machine",
    Cause.UNEXPECTED: "worker {} cannot be asked",
}


def ray_cause(error: Exception) -> Cause:
    """What an exception of Ray's own means, by its name: Ray itself is not imported for it."""
    names = (kind.__name__ for kind in type(error).__mro__)
    found = next((RAY_CAUSES[name] for name in names if name in RAY_CAUSES), Cause.UNEXPECTED)
    is_node_gone = getattr(error, "preempted", False) or "node has died" in str(error)
    return Cause.LOST if found is Cause.DEATH and is_node_gone else found


def verdict(failures: Sequence[Failure]) -> Verdict:
    """What becomes of a shard with these failures."""
    counts = Counter(failure.cause for failure in failures)
    spent = {cause.then for cause, count in counts.items() if count >= cause.most_attempts}
    accusers = {failure.worker for failure in failures if failure.cause.blames_input}
    if Verdict.FAIL in spent:
        return Verdict.FAIL
    if spent or len(accusers) >= _WORKERS_TO_BLAME_INPUT:
        return Verdict.QUARANTINE
    return Verdict.RETRY


def is_due(failures: Sequence[Failure], now_s: float) -> bool:
    """True where a shard with these failures has paused long enough.

    A failure of the future was written by a clock that is ahead, and is not waited for.
    """
    if not failures:
        return True
    waited_s = now_s - failures[-1].at_s
    return not 0 <= waited_s < pause_s(len(failures))


def pause_s(failure_count: int) -> float:
    """How long a shard is let alone after so many failures: twice as long each time."""
    doublings = min(failure_count - 1, 16)
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**doublings)


def batch_divisor(failures: Sequence[Failure]) -> int:
    """By how much the next attempt's batch is smaller."""
    return 1 << sum(failure.cause is Cause.MEMORY for failure in failures)


def _cause_of(error: Exception) -> Cause:
    # The GPU's is a RuntimeError of torch, which is not imported for it.
    if type(error).__name__ == "OutOfMemoryError":
        return Cause.MEMORY
    return next(cause for kind, cause in _CAUSES if isinstance(error, kind))
