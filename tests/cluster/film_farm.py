"""A farm at work on a film, and the review page over its store."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from film_pipeline import FILM_PIPELINE, FilmInspector, write_film_plate
from tiny_pipeline import Trouble, write_subject

from bodyswap.config import RenderSettings
from bodyswap.rights.signing_keys import make_signing_key
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.farm.controller import Controller
from cluster.review.app import review_app
from cluster.review.serving import served
from cluster.review.shots import Shots
from cluster.review.visitors import Person, Visitors
from cluster.stores.opening import open_store
from cluster.stores.store import Store
from cluster.workers.inline import InlineRuntime
from cluster.workers.runtime import WorkerConfig


@dataclass(frozen=True, kw_only=True)
class FilmFarm:
    folder: Path
    store: Store

    def submit(self, *, frames: int = 48, shards: int = 4, frame_s: float = 0.0) -> str:
        client = Client(self.store, inspector=FilmInspector(), by="tests")
        subject = write_subject(self.folder / "subject", Trouble(frame_s=frame_s))
        return client.submit(
            JobRequest(
                plate=write_film_plate(self.folder / "s010.mp4", frames), subject=str(subject),
                settings=RenderSettings(warmup_frames=0), shards=shards, name="SH010",
            )
        )  # fmt: skip

    def run(self, job: str) -> None:
        runtime = self._runtime()
        try:
            Controller(store=self.store, runtime=runtime).run_until_final(job)
        finally:
            runtime.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        is_over = threading.Event()
        runtime = self._runtime()
        controller = Controller(store=self.store, runtime=runtime)
        thread = threading.Thread(target=controller.serve, args=(is_over.is_set,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join(timeout=60)
            runtime.close()

    def shots(self) -> Shots:
        return Shots(self.store, self.folder / "looked-at")

    @contextmanager
    def page(self, people: tuple[Person, ...] = ()) -> Iterator[httpx.Client]:
        app = review_app(self.shots(), visitors(people))
        with served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield client

    def _runtime(self) -> InlineRuntime:
        return InlineRuntime(
            WorkerConfig(
                store_url=self.store.url, scratch=self.folder / "scratch", pipeline=FILM_PIPELINE
            )
        )


def film_farm(folder: Path) -> FilmFarm:
    return FilmFarm(folder=folder, store=open_store(str(folder / "store")))


def visitors(people: tuple[Person, ...] = ()) -> Visitors:
    return Visitors(people, make_signing_key(), local="supervisor", clock=time.time)
