"""The Python SDK: submit a render, see how far it is, get what it made.

It needs the store and nothing else. The command line is made of these calls:

    client = Client(open_store("s3://bucket/store"))
    job = client.submit(JobRequest(plate=Path("plate.mov"), subject="vega"))
    for status in client.watch(job):
        print(status.state, status.frames_done, status.frames_total)
    client.fetch(job, Path("out"))
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bodyswap.errors import IntegrityError, JobError, StoreError
from cluster.doors import permit_download
from cluster.inspection import FileInspector, Inspector
from cluster.job import JobState
from cluster.journal import Journal
from cluster.keys import JOBS, JobKeys
from cluster.progress import JobStatus
from cluster.publish import Manifest, read_manifest
from cluster.record import file_hash, from_json, to_json
from cluster.store import Store
from cluster.submit import JobRequest, submit

MANIFEST = "manifest.json"
_JOB_FILE = "job.yaml"


class Client:
    """A person's or program's view of one store's jobs."""

    def __init__(
        self,
        store: Store,
        *,
        inspector: Inspector | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._inspector = inspector or FileInspector()
        self._clock = clock

    def submit(self, request: JobRequest) -> str:
        """Put a job into the store and answer its id. Raises what `submit.submit` raises."""
        return submit(self._store, request, self._inspector, now_s=self._clock())

    def find_job(self, prefix: str) -> str:
        """The id of the one job whose id begins with `prefix`. Raises JobError otherwise."""
        found = [job for job in self._jobs() if job.startswith(prefix)]
        if len(found) == 1:
            return found[0]
        wrong = f"fits {len(found)} jobs: {', '.join(found)}" if found else "is no job's id"
        raise JobError(f"'{prefix}' {wrong}; `list` shows the jobs of {self._store.url}")

    def list_jobs(self) -> list[JobStatus]:
        """Every job of the store."""
        return [self.status(job) for job in self._jobs()]

    def status(self, job: str) -> JobStatus:
        """How far the job is. Raises JobError where there is no such job."""
        entry = Journal(self._store, job).latest()
        if entry is None:
            raise JobError(f"'{job}' is no job's id; `list` shows the jobs of {self._store.url}")
        key = JobKeys(job=job).progress
        data = self._store.get(key)
        told = None if data is None else from_json(data, JobStatus, what=key)
        if entry.state is JobState.FAILED:
            code = entry.failure.exit_code if entry.failure else JobError.exit_code
            return JobStatus(job=job, state=entry.state, message=entry.why, exit_code=code)
        if told is None or told.state is not entry.state:
            return JobStatus(job=job, state=entry.state)
        return told

    def watch(self, job: str, *, every_s: float = 0.5) -> Iterator[JobStatus]:
        """The job's status each time it changed, up to the final one."""
        before = None
        while True:
            status = self.status(job)
            if status != before:
                yield status
            if status.state.is_final:
                return
            before = status
            time.sleep(every_s)

    def manifest(self, job: str) -> Manifest:
        """What the job delivered. Raises JobError where it is not published."""
        manifest = read_manifest(self._store, job)
        if manifest is None:
            status = self.status(job)
            why = f": {status.message}" if status.message else ""
            raise JobError(f"job {job} has nothing to fetch, it is {status.state}{why}")
        return manifest

    def fetch(self, job: str, out: Path) -> tuple[Path, ...]:
        """Write the job's deliverables, and the manifest last, into the folder `out`.

        Each file appears under its name only when all of them are here and whole.

        Raises:
            JobError: the job is not published.
            ConsentError: the consent it was rendered on no longer stands.
            IntegrityError: a deliverable is not what the manifest says.
        """
        manifest = self.manifest(job)
        permit_download(self._store, job, now_s=self._clock())
        with _beside(out) as arriving:
            for file in manifest.deliverables:
                self._store.fetch_file(file.key, arriving / file.name)
                if file_hash(arriving / file.name) != file.sha256:
                    raise IntegrityError(f"'{file.key}' is not what the manifest says; not fetched")
            (arriving / MANIFEST).write_bytes(to_json(manifest))
            names = (*(file.name for file in manifest.deliverables), MANIFEST)
            for name in names:
                (arriving / name).replace(out / name)
        return tuple(out / name for name in names)

    def _jobs(self) -> list[str]:
        return [
            key.split("/")[1]
            for key in self._store.list_keys(JOBS)
            if key.endswith(f"/{_JOB_FILE}")
        ]


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A temporary folder on the file system of `out`, so that renaming into it is atomic."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out, prefix=".fetching-") as folder:
            yield Path(folder)
    except OSError as error:
        raise StoreError(f"cannot write into '{out}': {error}") from error
