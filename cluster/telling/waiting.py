"""How waiting for jobs ends. Pure: it does not know how often they are looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cluster.jobs.job import JobState
from cluster.jobs.progress import JobStatus


class Outcome(StrEnum):
    """What the jobs waited for came to, worst of all of them; the exit code of `bodyswap wait`."""

    DONE = "done"
    TIMEOUT = "timeout"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.DONE: 0,
    Outcome.TIMEOUT: 1,
    Outcome.FAILED: 2,
    Outcome.CANCELLED: 3,
    Outcome.PAUSED: 4,
}
_AT_REST = {
    JobState.PUBLISHED: Outcome.DONE,
    JobState.PAUSED: Outcome.PAUSED,
    JobState.CANCELLED: Outcome.CANCELLED,
}
_WORST_FIRST = (Outcome.FAILED, Outcome.CANCELLED, Outcome.PAUSED, Outcome.DONE)


@dataclass(frozen=True, kw_only=True)
class Waited:
    """How it ended, and how far each job was then."""

    outcome: Outcome
    jobs: tuple[JobStatus, ...]


def outcome_of(states: Sequence[JobState]) -> Outcome | None:
    """What jobs in these states have come to; None while one of them is under way."""
    rests = {_at_rest(state) for state in states}
    if None in rests:
        return None
    return next((outcome for outcome in _WORST_FIRST if outcome in rests), Outcome.DONE)


def _at_rest(state: JobState) -> Outcome | None:
    """What `state` is to whoever waits: a paused job goes on only when somebody asks for it."""
    otherwise = Outcome.FAILED if state.is_final else None
    return _AT_REST.get(state, otherwise)
