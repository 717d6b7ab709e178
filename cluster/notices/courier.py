"""Tell of jobs' changes over HTTP or by programs, beside the controller, which never waits for it.

It does not know what a message says; `outbox` keeps the messages, `post` and `program` hand them
over.
"""

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bodyswap.errors import BodyswapError
from cluster.jobs.job import JobState
from cluster.jobs.progress import JobStatus
from cluster.notices.outbox import Letter, Outbox
from cluster.notices.post import Answer, post
from cluster.notices.program import call
from cluster.notices.settings import WebhookSettings
from cluster.stores.store import Store

OnStatus = Callable[[JobStatus], None]

_LOOK_EVERY_S = 2.0
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 6 * 3600.0
_LONGEST_ASKED_PAUSE_S = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What one round of posting did."""

    taken: int = 0
    failed: int = 0
    dead: int = 0


def deliver(
    outbox: Outbox, settings: WebhookSettings, *, clock: Callable[[], float] = time.time
) -> Delivered:
    """Post every letter that is due. A URL that fails once is let alone until the next round."""
    taken, failed, dead = 0, 0, 0
    failing: set[str] = set()
    for letter in outbox.due(clock()):
        if letter.url in failing:
            continue
        answer = _post(letter, settings, clock())
        if answer.is_taken:
            outbox.taken(letter, answer.told)
            taken += 1
            continue
        failing.add(letter.url)
        is_over = answer.is_gone or letter.attempts + 1 >= settings.most_attempts
        if is_over or not settings.allows(letter.url):
            outbox.give_up(letter, answer.told)
            _log.warning("gave up telling %s of job %s: %s", letter.url, letter.job, answer.told)
            dead += 1
        else:
            pause = max(pause_s(letter), min(answer.retry_after_s, _LONGEST_ASKED_PAUSE_S))
            outbox.failed(letter, answer.told, clock() + pause)
            failed += 1
    return Delivered(taken=taken, failed=failed, dead=dead)


def pause_s(letter: Letter) -> float:
    """How long to wait after one more failure: four times as long each time, and a bit.

    The bit, up to a fifth, is each letter's own, so that they do not all come back at once.
    """
    pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 4.0**letter.attempts)
    lot = hashlib.sha256(f"{letter.name} {letter.attempts}".encode()).digest()[0] / 255
    return pause * (1 + lot / 5)


class Courier:
    """A thread that writes letters for the jobs it hears of, and posts them."""

    def __init__(
        self,
        store: Store,
        settings: WebhookSettings,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = Outbox(store)
        self._settings = settings
        self._look_every_s = look_every_s
        self._clock = clock
        self._states: dict[str, JobState] = {}
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bodyswap-courier", daemon=True)
        self._thread.start()

    def hear(self, status: JobStatus) -> None:
        """How far a job in hand is: to be called every round, with each. It returns at once."""
        if self._states.get(status.job) is not status.state:
            self._states[status.job] = status.state
            self._heard.put(status.job)

    def close(self) -> None:
        """Write down all that was heard, post what is due once more, and stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        # What a courier before this one was stopped in the middle of.
        jobs: set[str] | None = None
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(self._look_every_s)
            try:
                jobs = {*(self._outbox.open_jobs if jobs is None else jobs), *self._drain()}
                jobs |= set(self._outbox.asked_jobs)
                while jobs:
                    self._outbox.write(next(iter(jobs)), self._settings.endpoints)
                    jobs.pop()
                deliver(self._outbox, self._settings, clock=self._clock)
            except BodyswapError as error:
                # The store will be back; what is not told yet is told then.
                _log.warning("telling of jobs waits: %s", error)

    def _drain(self) -> Iterator[str]:
        with suppress(queue.Empty):
            while True:
                yield self._heard.get_nowait()


@contextmanager
def open_courier(store: Store, settings: WebhookSettings | None) -> Iterator[OnStatus]:
    """What to call with every job's status each round; it does nothing without settings."""
    if settings is None:
        yield lambda status: None
        return
    courier = Courier(store, settings)
    try:
        yield courier.hear
    finally:
        courier.close()


def _post(letter: Letter, settings: WebhookSettings, now_s: float) -> Answer:
    # The store's objects may have been written by anybody who may write to it.
    if not settings.allows(letter.url):
        return Answer(status=0, told="the operator's `allow` does not have this URL")
    if program := settings.program(letter.url):
        return call(program, message=letter.message, body=letter.body, timeout_s=settings.timeout_s)
    return post(
        letter.url,
        message=letter.message,
        body=letter.body,
        secrets=settings.secrets,
        now_s=now_s,
        timeout_s=settings.timeout_s,
    )
