"""Hears of plates, makes jobs of them, and answers with their shots.

    take     a message of the queue -> arrivals in the inbox, durable -> the message is removed
    sweep    what the rules' buckets hold and the inbox has not -> arrivals that no message told of
    answer   every arrival in the inbox: fetch the plate -> job -> deliver the shot -> tell

It does not know how jobs are rendered. Every step is safe to repeat, and for two listeners at once:
an arrival's id is its object's version, a job's id its content, and the first answer stands.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Protocol

from bodyswap.config import RenderSettings
from bodyswap.errors import InputError, JobError, ModelError, StoreError
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.events.delivery import deliver
from cluster.events.frames import (
    FrameFolder,
    Gathering,
    ListedObject,
    folder_of,
    folders_of,
)
from cluster.events.inbox import Answer, Arrival, Inbox
from cluster.events.notification import NotificationError, PlacedObject, read_notification
from cluster.events.queue import Message
from cluster.events.rules import MOST_SIDECAR_BYTES, SIDECAR, ListenConfig, Rule, read_sidecar
from cluster.jobs.job import JobState
from cluster.jobs.trace_id import trace_of
from cluster.stores.record import to_json

_log = logging.getLogger(__name__)

REFUSED, SUPERSEDED = "refused", "superseded"
_SUBMITTED_BY = "listen"


class Source(Protocol):
    """Where messages come from."""

    def take(self, wait_s: int) -> list[Message]: ...

    def remove(self, message: Message) -> None: ...


class Sink(Protocol):
    """Where messages go."""

    def send(self, body: str, attributes: dict[str, str]) -> None: ...


class Objects(Protocol):
    """The buckets that plates lie in, and that shots are delivered to."""

    def size_of(self, placed: PlacedObject) -> int | None: ...

    def fetch(self, placed: PlacedObject, path: Path) -> bool: ...

    def read_small(self, bucket: str, key: str, most_bytes: int) -> bytes | None: ...

    def listed_under(self, bucket: str, prefix: str) -> Iterator[ListedObject]: ...

    def deliver(self, path: Path, bucket: str, key: str, *, sha256: str) -> bool: ...

    def now_s(self, bucket: str) -> float: ...


@dataclass(kw_only=True)
class Counts:
    """What a listener has seen since it began."""

    heard: int = 0
    known: int = 0
    unmatched: int = 0
    dead_lettered: int = 0
    found_by_sweep: int = 0
    submitted: int = 0
    answered: int = 0

    def sentence(self) -> str:
        told = {
            "heard before": self.known,
            "fit no rule": self.unmatched,
            "dead letters": self.dead_lettered,
            "found by looking": self.found_by_sweep,
        }
        return ", ".join(f"{count} {name}" for name, count in told.items() if count)


class Listener:
    """One listener; any number may share a store and a queue."""

    def __init__(
        self,
        config: ListenConfig,
        client: Client,
        inbox: Inbox,
        objects: Objects,
        *,
        dead_letters: Sink | None = None,
        answers: Sequence[Sink] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._client, self._inbox, self._objects = config, client, inbox, objects
        self._dead_letters, self._answers, self._clock = dead_letters, answers, clock
        self._gathering = Gathering(client.store, objects)
        self.counts = Counts()

    def take(self, source: Source, wait_s: int) -> None:
        """Make messages durable, then remove them; what is no notification goes to dead letters."""
        for message in source.take(wait_s):
            try:
                heard = read_notification(message.body)
            except NotificationError as error:
                if not self._bury(message, str(error)):
                    continue
            else:
                for placed in heard:
                    self.hear(placed)
            source.remove(message)

    def hear(self, placed: PlacedObject) -> bool:
        """Keep an arrival in the inbox where a rule fits it; True where it is new."""
        rule = self._config.rule_for(placed)
        if rule is None:
            self.counts.unmatched += 1
            return False
        if rule.sequence is not None:
            return self._gathering.open(placed, rule)
        return self._record(placed, rule)

    def gather(self) -> None:
        """Hear of every folder of frames that has become whole."""
        for folder, rule in self._gathering.whole(self._config):
            self._record(folder.placed, rule, sample=folder.sample)
            self._gathering.close(folder, rule)

    def _record(self, placed: PlacedObject, rule: Rule, sample: str = "") -> bool:
        arrival = Arrival(placed=placed, rule=rule.name, heard_at_s=self._clock(), sample=sample)
        is_new = self._inbox.record(arrival)
        self.counts.heard += is_new
        self.counts.known += not is_new
        return is_new

    def sweep(self) -> int:
        """Hear of what no message told of; the number of such objects."""
        found = 0
        for bucket, prefix in sorted({(rule.bucket, rule.prefix) for rule in self._config.rules}):
            listed = list(self._objects.listed_under(bucket, prefix))
            for placed in self._whole_or_single(listed):
                if not self._inbox.is_known(placed):
                    found += self.hear(placed)
        self.counts.found_by_sweep += found
        return found

    def _whole_or_single(self, listed: list[ListedObject]) -> Iterator[PlacedObject]:
        """What should have been heard of: plates, and a frame of each folder not known as it is."""
        for each in listed:
            rule = self._config.rule_for(each.placed)
            if rule is not None and rule.sequence is None:
                yield each.placed
        for rule in self._config.rules:
            for folder in folders_of(listed, rule) if rule.sequence is not None else ():
                if not self._inbox.is_known(folder.placed):
                    yield folder.frames[0].placed

    def answer_all(self) -> None:
        """Take every arrival one step further; one that fails by the store is tried next time."""
        for arrival in self._inbox.pending():
            try:
                self._answer(arrival)
            except StoreError as error:
                _log.warning("%s is answered later: %s", arrival.placed, error)

    def _answer(self, arrival: Arrival) -> None:
        answer = self._inbox.answer_of(arrival.placed.id) or self._progress(arrival)
        if answer is not None:
            self._tell(self._inbox.keep_answer(answer))
            self._inbox.close(arrival)
            self.counts.answered += 1

    def _bury(self, message: Message, reason: str) -> bool:
        """Send it to the dead letters; False where there are none: the queue's own rule holds."""
        if self._dead_letters is None:
            return False
        self._dead_letters.send(message.body, {"reason": reason})
        self.counts.dead_lettered += 1
        return True

    def _progress(self, arrival: Arrival) -> Answer | None:
        """What became of the arrival, or None while it goes on."""
        answer = Answer(id=arrival.placed.id, state=REFUSED, placed=arrival.placed)
        rule = self._config.rule_named(arrival.rule)
        if rule is None:
            return replace(answer, message=f"rule '{arrival.rule}' is no longer configured")
        job = self._inbox.job_of(arrival)
        if job is not None:
            return self._follow(arrival, rule, job)
        try:
            job = self._submit(arrival, rule)
        except (InputError, ModelError) as error:
            return replace(answer, message=str(error))
        if job is None:
            return replace(answer, state=SUPERSEDED, message="another version took its place")
        self._inbox.keep_job(arrival, job)
        _log.info("%s is job %s, trace %s", arrival.placed, job, trace_of(job))
        self.counts.submitted += 1
        return None

    def _submit(self, arrival: Arrival, rule: Rule) -> str | None:
        """The job's id, or None where this version of the plate is there no more."""
        placed = arrival.placed
        frames = self._gathering.look(placed, rule) if rule.sequence is not None else None
        size_bytes = self._size(placed, frames)
        if size_bytes is None:
            return None
        if size_bytes > rule.most_bytes:
            raise InputError(
                f"{placed} has {size_bytes} bytes; rule '{rule.name}' takes {rule.most_bytes}"
            )
        with TemporaryDirectory(prefix="bodyswap-plate-") as folder:
            plate: Path | None = Path(folder) / (PurePosixPath(placed.key).name or "plate")
            if frames is not None:
                plate = frames.fetch(self._objects, Path(folder))
            elif plate is not None and not self._objects.fetch(placed, plate):
                plate = None
            return self._client.submit(self._request(arrival, rule, plate)) if plate else None

    def _size(self, placed: PlacedObject, frames: FrameFolder | None) -> int | None:
        if frames is None:
            return None if placed.key.endswith("/") else self._objects.size_of(placed)
        return frames.size_bytes if frames.placed == placed else None

    def _request(self, arrival: Arrival, rule: Rule, plate: Path) -> JobRequest:
        placed = arrival.placed
        beside = folder_of(placed.key) + SIDECAR
        ask = read_sidecar(self._objects.read_small(placed.bucket, beside, MOST_SIDECAR_BYTES))
        names = {**_names(arrival, rule), "job": ""}
        return JobRequest(
            plate=plate,
            subject=ask.subject or rule.subject,
            settings=RenderSettings.from_dict({**rule.settings, **ask.settings}),
            frames=ask.frames,
            project=ask.project or rule.filled(rule.project, names),
            use=ask.use or rule.use,
            priority=rule.priority if ask.priority is None else ask.priority,
            submitted_by=_SUBMITTED_BY,
        )

    def _follow(self, arrival: Arrival, rule: Rule, job: str) -> Answer | None:
        status = self._client.status(job)
        if not status.state.is_final:
            return None
        answer = Answer(
            id=arrival.placed.id,
            state=status.state,
            placed=arrival.placed,
            job=job,
            message=status.message,
        )
        if status.state is not JobState.PUBLISHED or not rule.deliver_to:
            return answer
        names = {**_names(arrival, rule), "job": job}
        target = rule.filled(rule.deliver_to, names)
        try:
            return replace(answer, delivered=deliver(self._client, job, self._objects, target))
        except (InputError, JobError) as error:
            return replace(answer, state=REFUSED, message=str(error))

    def _tell(self, answer: Answer) -> None:
        for sink in self._answers:
            sink.send(to_json(answer).decode(), {"id": answer.id, "state": answer.state})


def _names(arrival: Arrival, rule: Rule) -> dict[str, str]:
    told = replace(arrival.placed, key=arrival.sample or arrival.placed.key)
    return rule.match(told) or {}
