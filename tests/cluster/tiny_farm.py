"""A store, a plate and a subject in a temporary folder, and ways to run jobs on them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tiny_pipeline import (
    TINY_PIPELINE,
    TinyInspector,
    Trouble,
    read_shot,
    write_plate,
    write_subject,
)

from bodyswap.config import Mode, RenderSettings
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.farm.controller import Controller
from cluster.jobs.progress import JobStatus
from cluster.stores.local import LocalStore
from cluster.stores.store import Store
from cluster.workers.inline import InlineRuntime
from cluster.workers.runtime import Runtime, WorkerConfig


@dataclass(frozen=True, kw_only=True)
class TinyFarm:
    folder: Path
    store: Store

    @property
    def client(self) -> Client:
        return Client(self.store, inspector=self.inspector)

    @property
    def inspector(self) -> TinyInspector:
        return TinyInspector()

    @property
    def worker_config(self) -> WorkerConfig:
        return WorkerConfig(
            store_url=self.store.url, scratch=self.folder / "scratch", pipeline=TINY_PIPELINE
        )

    def request(
        self,
        *,
        frame_count: int = 40,
        shards: int | None = 4,
        mode: Mode = Mode.EXACT,
        frames: str | None = None,
        trouble: Trouble | None = None,
    ) -> JobRequest:
        return JobRequest(
            plate=write_plate(self.folder / "plate.txt", frame_count),
            subject=str(write_subject(self.folder / "subject", trouble)),
            settings=RenderSettings(mode=mode, warmup_frames=3),
            frames=frames,
            shards=shards,
        )

    def run_inline(
        self, job: str, on_status: Callable[[JobStatus], None] | None = None
    ) -> JobStatus:
        return self.run(job, InlineRuntime(self.worker_config), on_status)

    def run(
        self,
        job: str,
        runtime: Runtime,
        on_status: Callable[[JobStatus], None] | None = None,
    ) -> JobStatus:
        try:
            controller = Controller(store=self.store, runtime=runtime, on_status=on_status)
            return controller.run_until_final(job)
        finally:
            runtime.close()

    def fetched_shot(self, job: str) -> list[tuple[int, int, float]]:
        self.client.fetch(job, self.folder / "out", replace=True)
        return read_shot(self.folder / "out/shot.mp4")


def make_farm(folder: Path) -> TinyFarm:
    return TinyFarm(folder=folder, store=LocalStore(folder / "store"))
