"""A job's journal in the store: what happened to it, when, by whom; append-only.

It does not know what follows from an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cluster.jobs.failures import Failure
from cluster.jobs.job import JobState
from cluster.jobs.keys import JobKeys
from cluster.jobs.plan import Plan, Shard, Split
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store


class Ruling(StrEnum):
    """What somebody who looked at a published shot says of it."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line: the job's state from here on and why; for a failed attempt, which and how.

    `request` is the key of the request that it answers, `priority` the job's from here on, and
    `retried` names the shards whose failures do not count any more, and `again` those that are
    done once more although they were committed; `split` is a shard that is done as several from
    here on; `ruling` is a person's word on the published shot.
    """

    state: JobState
    at_s: float
    by: str
    why: str = ""
    shard: Shard | None = None
    failure: Failure | None = None
    request: str = ""
    priority: int | None = None
    retried: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    split: Split | None = None
    ruling: Ruling | None = None


class Journal:
    """The entries of one job, oldest first."""

    def __init__(self, store: Store, job: str) -> None:
        self._store = store
        self._keys = JobKeys(job=job)

    def read(self) -> tuple[Entry, ...]:
        entries = []
        for key in self._store.list_keys(self._keys.journal):
            data = self._store.get(key)
            if data is not None:
                entries.append(from_json(data, Entry, what=key))
        return tuple(entries)

    def latest(self) -> Entry | None:
        """The last entry, or None where there is none yet."""
        keys = self._store.list_keys(self._keys.journal)
        data = self._store.get(keys[-1]) if keys else None
        return None if data is None else from_json(data, Entry, what=keys[-1])

    def append(self, entry: Entry) -> None:
        """Write `entry` after every other one, whoever else is writing."""
        number = len(self._store.list_keys(self._keys.journal))
        while not self._store.put_if_absent(self._keys.journal_entry(number), to_json(entry)):
            number += 1

    def append_at(self, number: int, entry: Entry) -> bool:
        """Write `entry` if exactly `number` others are there: False where somebody wrote since.

        This is what makes a job's changes safe under several controllers: each is decided from
        all that came before it, or is not written.
        """
        key, data = self._keys.journal_entry(number), to_json(entry)
        # A put whose answer was lost is repeated, and then meets itself.
        return self._store.put_if_absent(key, data) or self._store.get(key) == data

    def open(self, entry: Entry) -> None:
        """Write the first entry, unless the journal has one."""
        self._store.put_if_absent(self._keys.journal_entry(0), to_json(entry))


def amended(plan: Plan, entries: Sequence[Entry]) -> Plan:
    """The plan with what people had done again since it was made, and what was split."""
    again = [name for entry in entries for name in entry.again]
    return plan.retaken(again).divided([entry.split for entry in entries if entry.split])


def since_submission(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries of the job's present life: from its latest submission on."""
    starts = [n for n, entry in enumerate(entries) if entry.state is JobState.SUBMITTED]
    return tuple(entries[starts[-1] :]) if starts else tuple(entries)
