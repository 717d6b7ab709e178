"""What people ask of a job that is in the store already: pause, resume, cancel, retry, priority.

A request is an object under the job's control/; the controller takes it up and writes in the
journal what came of it. This file does not know what follows from a request.
"""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys, request_marker, time_part
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store


class Verb(StrEnum):
    """What may be asked. `fits` tells of which jobs."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    PRIORITY = "priority"

    def fits(self, state: JobState) -> bool:
        """True where a job in `state` can be asked this."""
        match self:
            case Verb.RESUME:
                return state is JobState.PAUSED
            case Verb.PAUSE:
                return not state.is_final and state is not JobState.PAUSED
            case Verb.RETRY:
                return state is not JobState.PUBLISHED
            case Verb.CANCEL | Verb.PRIORITY:
                return not state.is_final

    @property
    def fitting(self) -> str:
        """Of which jobs it may be asked, in words."""
        return _FITTING[self]


_FITTING = {
    Verb.PAUSE: "a job that is under way",
    Verb.RESUME: "a paused job",
    Verb.CANCEL: "a job that is not over",
    Verb.RETRY: "a job that is not published",
    Verb.PRIORITY: "a job that is not over",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody's wish. `at` is in seconds since 1970; `arguments` is what the verb takes.

    Retry takes {"shards": names, or null for those that failed}; priority {"priority": number};
    any may have a {"why": text} for the journal.
    """

    verb: Verb
    by: str
    at: float
    arguments: dict[str, object] = field(default_factory=dict)


def put_request(store: Store, job: str, request: Request) -> str:
    """Write the request where the controller looks, and answer its key."""
    stamp = time_part(request.at)
    while True:
        # Two people may ask in the same microsecond.
        key = f"{JobKeys(job=job).control}{stamp}-{secrets.token_hex(4)}-{request.verb}.json"
        if store.put_if_absent(key, to_json(request)):
            # The farm looks at jobs that are over only where a marker says so.
            store.put(request_marker(job, stamp), b"")
            return key


Wishes = tuple[tuple[str, Request], ...]
"""Requests, each with its key."""


def new_requests(store: Store, job: str, answered: frozenset[str]) -> Wishes:
    """The requests whose keys are not among `answered`, each with its key, oldest first."""
    found = []
    for key in store.list_keys(JobKeys(job=job).control):
        data = None if key in answered else store.get(key)
        if data is not None:
            found.append((key, from_json(data, Request, what=key)))
    return tuple(found)
