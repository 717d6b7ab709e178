"""Messages on their way: what is to be told of each job, kept in the store until it is told.

    outbox/open/<job>               a job whose changes may still have to be told
    outbox/asked/<job>              one that somebody wrote of who tells nobody themselves
    outbox/pending/<letter>.json    a message for one URL, until that has taken it
    outbox/dead/<letter>.json       one that was given up, with the last answer
    jobs/<job>/told/<letter>.json   one that is over, so that it is never told anew

It does not know HTTP. A message is told at least once; whoever hears it twice knows it by its id.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bodyswap.errors import IntegrityError
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import (
    OUTBOX_ASKED,
    OUTBOX_DEAD,
    OUTBOX_OPEN,
    OUTBOX_PENDING,
    JobKeys,
)
from cluster.jobs.listing import job_name
from cluster.jobs.observe import read_spec
from cluster.notices.settings import Endpoint
from cluster.stores.record import content_hash, from_json, to_json
from cluster.stores.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message for one URL. `body` is posted as it is; `attempts` counts what failed so far."""

    name: str
    job: str
    message: str
    url: str
    body: str
    due_at_s: float
    attempts: int = 0
    answer: str = ""


def ask_to_tell(store: Store, job: str) -> None:
    """Have whoever runs the farm tell of what was written into the job's journal."""
    store.put(f"{OUTBOX_ASKED}{job}", b"")


class Outbox:
    """The letters of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Letter] = {}

    @property
    def open_jobs(self) -> list[str]:
        """The jobs that were being told of when somebody stopped."""
        return [key.removeprefix(OUTBOX_OPEN) for key in self._store.list_keys(OUTBOX_OPEN)]

    @property
    def asked_jobs(self) -> list[str]:
        """The jobs that `ask_to_tell` was called for."""
        return [key.removeprefix(OUTBOX_ASKED) for key in self._store.list_keys(OUTBOX_ASKED)]

    def write(self, job: str, endpoints: list[Endpoint]) -> int:
        """Write a letter for each change of the job's state that has none; answer how many."""
        spec = read_spec(self._store, job)
        if spec is None:
            return 0
        self._store.put_if_absent(f"{OUTBOX_OPEN}{job}", b"")
        self._store.delete(f"{OUTBOX_ASKED}{job}")
        entries = Journal(self._store, job).read()
        told = set(self._store.list_keys(JobKeys(job=job).told))
        written = 0
        for letter in _letters(spec, entries, endpoints):
            if _told_key(letter) not in told:
                written += self._store.put_if_absent(_key(OUTBOX_PENDING, letter), to_json(letter))
        if entries and entries[-1].state.is_final:
            self._store.delete(f"{OUTBOX_OPEN}{job}")
        return written

    def due(self, now_s: float) -> list[Letter]:
        """The letters that are to be posted now, the oldest change of a job first."""
        keys = self._store.list_keys(OUTBOX_PENDING)
        self._read = {key: letter for key in keys if (letter := self._letter(key)) is not None}
        return [letter for letter in self._read.values() if letter.due_at_s <= now_s]

    def dead(self) -> list[Letter]:
        """The letters that were given up."""
        keys = self._store.list_keys(OUTBOX_DEAD)
        return [
            from_json(data, Letter, what=key)
            for key in keys
            if (data := self._store.get(key)) is not None
        ]

    def taken(self, letter: Letter, answer: str) -> None:
        """The URL has taken it."""
        self._end(replace(letter, answer=answer))

    def failed(self, letter: Letter, answer: str, due_at_s: float) -> None:
        """It did not; it is posted again at `due_at_s`."""
        later = replace(letter, attempts=letter.attempts + 1, answer=answer, due_at_s=due_at_s)
        self._store.put(_key(OUTBOX_PENDING, later), to_json(later))
        self._read[_key(OUTBOX_PENDING, later)] = later

    def give_up(self, letter: Letter, answer: str) -> None:
        """It will not be posted any more, and is kept for whoever looks."""
        dead = replace(letter, attempts=letter.attempts + 1, answer=answer)
        self._store.put(_key(OUTBOX_DEAD, dead), to_json(dead))
        self._end(dead)

    def _end(self, letter: Letter) -> None:
        # In this order: a crash between the two tells it twice, not never.
        self._store.put(_told_key(letter), to_json(letter))
        self._store.delete(_key(OUTBOX_PENDING, letter))
        self._read.pop(_key(OUTBOX_PENDING, letter), None)

    def _letter(self, key: str) -> Letter | None:
        if key in self._read:
            return self._read[key]
        data = self._store.get(key)
        try:
            return None if data is None else from_json(data, Letter, what=key)
        except IntegrityError as error:
            # One damaged letter must not hold up the others.
            _log.warning("left in the outbox: %s", error)
            return None


def _letters(
    spec: JobSpec, entries: tuple[Entry, ...], endpoints: list[Endpoint]
) -> Iterator[Letter]:
    was: JobState | None = None
    for number, entry in enumerate(entries):
        if entry.state is was and entry.ruling is None:
            continue
        message = f"msg_{content_hash((spec.job, number, entry.state, entry.at_s))[:32]}"
        body = _body(spec, number, was, entry)
        was = entry.state
        for endpoint in endpoints:
            if endpoint.wants(entry.state, spec.project):
                yield Letter(
                    name=f"{spec.job}-{number:06d}-{content_hash(endpoint.url)[:8]}",
                    job=spec.job, message=message, url=endpoint.url, body=body,
                    due_at_s=entry.at_s,
                )  # fmt: skip


def _body(spec: JobSpec, number: int, was: JobState | None, entry: Entry) -> str:
    return json.dumps(
        {
            "type": f"job.{entry.ruling or entry.state}",
            "timestamp": datetime.fromtimestamp(entry.at_s, UTC).isoformat(),
            "data": {
                "job": spec.job,
                "name": job_name(spec),
                "project": spec.project,
                "submitted_by": spec.submitted_by,
                "state": entry.state,
                "was": was,
                "is_final": entry.state.is_final,
                "by": entry.by,
                "why": entry.why,
                "number": number,
            },
        }
    )


def _key(folder: str, letter: Letter) -> str:
    return f"{folder}{letter.name}.json"


def _told_key(letter: Letter) -> str:
    return f"{JobKeys(job=letter.job).told}{letter.name}.json"
