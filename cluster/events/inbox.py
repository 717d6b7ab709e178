"""What has arrived and how it was answered, kept in the store.

    inbox/<id>                    marker of every arrival that is not answered yet
    arrivals/<id>/arrival.json    the object, and the rule that it fits     (put_if_absent)
    arrivals/<id>/job.json        the job made of it                        (put_if_absent)
    arrivals/<id>/answer.json     what became of it, then the marker goes   (put_if_absent)

It does not know queues. Ids come from the object's version, so that a notice heard fifty times, or
by two listeners, is one arrival.
"""

from dataclasses import dataclass
from typing import TypeVar

from cluster.events.notification import PlacedObject
from cluster.jobs.keys import ARRIVALS, INBOX
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store

Kept = TypeVar("Kept")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """An object that is to become a job by the rule of this name.

    Of a folder of frames, `sample` is the key of one: the rule's pattern is for frames.
    """

    placed: PlacedObject
    rule: str
    heard_at_s: float
    sample: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of an arrival: `state` is its job's last, or "refused" or "superseded"."""

    id: str
    state: str
    placed: PlacedObject
    job: str = ""
    message: str = ""
    delivered: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _JobOf:
    job: str


class Inbox:
    """The arrivals of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, arrival: Arrival) -> bool:
        """Keep an arrival; True where it was not known. Repeating it mends what a death left."""
        id = arrival.placed.id
        is_new = self._store.put_if_absent(_key(id, "arrival"), to_json(arrival))
        if is_new or self.answer_of(id) is None:
            self._store.put(INBOX + id, b"")
        return is_new

    def is_known(self, placed: PlacedObject) -> bool:
        return self._store.head(_key(placed.id, "arrival")) is not None

    def pending(self) -> list[Arrival]:
        """Every arrival that is not answered yet."""
        ids = [key.removeprefix(INBOX) for key in self._store.list_keys(INBOX)]
        found = (self._read(id, "arrival", Arrival) for id in ids)
        return [arrival for arrival in found if arrival is not None]

    def job_of(self, arrival: Arrival) -> str | None:
        kept = self._read(arrival.placed.id, "job", _JobOf)
        return None if kept is None else kept.job

    def keep_job(self, arrival: Arrival, job: str) -> None:
        self._store.put_if_absent(_key(arrival.placed.id, "job"), to_json(_JobOf(job=job)))

    def keep_answer(self, answer: Answer) -> Answer:
        """The answer that stands: this one, or another listener's that was first."""
        if self._store.put_if_absent(_key(answer.id, "answer"), to_json(answer)):
            return answer
        return self.answer_of(answer.id) or answer

    def answer_of(self, id: str) -> Answer | None:
        return self._read(id, "answer", Answer)

    def close(self, arrival: Arrival) -> None:
        """Take the arrival off the list of those not answered."""
        self._store.delete(INBOX + arrival.placed.id)

    def _read(self, id: str, name: str, kind: type[Kept]) -> Kept | None:
        key = _key(id, name)
        data = self._store.get(key)
        return None if data is None else from_json(data, kind, what=key)


def _key(id: str, name: str) -> str:
    return f"{ARRIVALS}{id}/{name}.json"
