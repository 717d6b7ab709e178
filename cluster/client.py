"""The Python SDK: submit a render, see how far it is, ask things of it, get what it made.

It needs the store and nothing else; the command line is made of these calls. With
`client = Client(open_store("s3://studio/store"))`, a `plate` and a farm working on that store:

    >>> job = client.submit(JobRequest(plate=plate, subject=subject, name="SH010", priority=70))
    >>> [(each.name, each.priority) for each in client.list_jobs("SH0*")]
    [('SH010', 70)]
    >>> waited = client.wait([job], timeout_s=60)
    >>> waited.outcome
    <Outcome.DONE: 'done'>
    >>> client.status(job).state
    <JobState.PUBLISHED: 'published'>
    >>> sorted(path.name for path in client.fetch(job, out))[:2]
    ['joins.json', 'manifest.json']

Every answer is a frozen dataclass; every failure a `BodyswapError` that says what to do.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from bodyswap.errors import JobError, UsageError
from bodyswap.joins import Join
from cluster.asking.dry_run import Reuse, dry_run, see_reuse
from cluster.asking.plate_file import single_file
from cluster.asking.retry import check_retry, shards_over
from cluster.asking.submit import JobRequest, resolve, submit
from cluster.delivering.accounts import Budget, read_account, write_budget
from cluster.delivering.approval import judge
from cluster.delivering.delivery import fetch_delivery
from cluster.delivering.links import link_to
from cluster.delivering.preview import Preview, PreviewReader, playlist, write_preview
from cluster.delivering.publish import Manifest, read_manifest
from cluster.jobs import listing
from cluster.jobs.control import Request, Verb, put_request
from cluster.jobs.estimate import Estimate
from cluster.jobs.inspection import FileInspector, Inspector
from cluster.jobs.job import HIGHEST_PRIORITY, JobState
from cluster.jobs.journal import Entry, Ruling
from cluster.jobs.progress import JobProgress, JobStatus, JobSummary
from cluster.rights.doors import permit_download
from cluster.stores.store import Store
from cluster.telling.attempt_log import AttemptLog, read_logs
from cluster.telling.farm_seen import see_farm
from cluster.telling.scene import Scene, Why
from cluster.telling.seen import JobSeen, see_job, see_spec, see_stages, see_status, see_summary
from cluster.telling.waiting import Outcome, Waited, outcome_of
from cluster.telling.why import why_job, why_shard

_LOOKERS = 16
"""How many jobs are looked at at once: each is a few requests to a store that may be far."""


class Client:
    """A person's or program's view of one store's jobs. `by` names who asks, for the journal."""

    def __init__(
        self,
        store: Store,
        *,
        by: str = "",
        inspector: Inspector | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._by = by
        self._inspector = inspector or FileInspector()
        self._clock = clock

    @property
    def store(self) -> Store:
        return self._store

    def submit(self, request: JobRequest) -> str:
        """Put a job into the store and answer its id. Raises what `submit.submit` raises."""
        with single_file(request) as ready:
            return submit(self._store, ready, self._inspector, now_s=self._clock())

    def plan(self, request: JobRequest, *, workers: int | None = None) -> Estimate:
        """What the request would come to on so many workers, or on the farm's; nothing is written.

        Times are from the commits of this store's jobs, and None where none has measured them.
        Raises what `submit` raises.
        """
        with single_file(request) as ready:
            spec = resolve(self._store, ready, self._inspector, now_s=self._clock()).spec
        return dry_run(self._store, spec, workers=workers, workers_at_hand=self._at_hand())

    def reuse(self, job: str) -> Reuse:
        """How many of the job's shards others have done. Raises JobError where there is no job."""
        return see_reuse(self._store, see_spec(self._store, job), workers=self._at_hand() or 1)

    def find_job(self, text: str) -> str:
        """The id of the one job whose id begins so, or whose name it is. Raises JobError."""
        return listing.find_job(self._store, text)

    def find_jobs(self, *patterns: str) -> tuple[str, ...]:
        """The ids of the jobs that any pattern fits, such as "SH0*". Raises JobError at none."""
        return listing.find_jobs(self._store, patterns)

    def list_jobs(self, *patterns: str) -> tuple[JobSummary, ...]:
        """The jobs that any of the patterns fits, all without one; the latest submitted last."""
        jobs = self.find_jobs(*patterns)
        with ThreadPoolExecutor(_LOOKERS) as lookers:
            found = lookers.map(partial(see_summary, self._store), jobs)
            return tuple(sorted(found, key=lambda job: (job.submitted_at, job.job)))

    def status(self, job: str) -> JobStatus:
        """How far the job is, and what it has cost. Raises JobError where there is no such job."""
        return replace(see_status(self._store, job), account=read_account(self._store, job))

    def progress(self, job: str) -> JobProgress:
        """How far the job is, stage by stage. Raises JobError where there is no such job."""
        status = self.status(job)
        return JobProgress(status=status, stages=see_stages(self._store, status))

    def watch(self, job: str, *, every_s: float = 0.5) -> Iterator[JobProgress]:
        """The job's progress each time it changed, up to the final one."""
        before = None
        while True:
            progress = self.progress(job)
            if progress != before:
                yield progress
            if progress.status.state.is_final:
                return
            before = progress
            time.sleep(every_s)

    def wait(
        self, jobs: Sequence[str], *, timeout_s: float | None = None, every_s: float = 0.5
    ) -> Waited:
        """Wait until every job is over or paused, or `timeout_s` have passed."""
        deadline_s = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        statuses: dict[str, JobStatus] = {}
        while True:
            for job in jobs:
                if job not in statuses or not statuses[job].state.is_final:
                    statuses[job] = self.status(job)
            outcome = outcome_of([status.state for status in statuses.values()])
            if outcome is None and time.monotonic() >= deadline_s:
                outcome = Outcome.TIMEOUT
            if outcome is not None:
                return Waited(outcome=outcome, jobs=tuple(statuses.values()))
            time.sleep(max(0.0, min(every_s, deadline_s - time.monotonic())))

    def look(self, job: str) -> JobSeen:
        """All that the store holds of the job. Raises JobError where there is no such job."""
        return see_job(self._store, job)

    def logs(self, job: str, shard: str | None = None) -> tuple[AttemptLog, ...]:
        """The kept logs of every attempt at the shard, such as "render-2", or at all of them."""
        return read_logs(self._store, self.look(job), shard)

    def why(self, job: str, shard: str | None = None) -> Why:
        """What the job, or its shard such as "render-2", waits for: one sentence, always."""
        seen, now_s = self.look(job), self._clock()
        ahead = listing.jobs_before(self._store, job)
        scene = Scene(job=seen, now_s=now_s, farm=see_farm(self._store), ahead=ahead)
        return why_job(scene) if shard is None else why_shard(scene, shard)

    def pause(self, job: str) -> Request:
        """Ask that no shard of the job be started until `resume`; what runs is let finish."""
        return self._ask(job, Verb.PAUSE)

    def resume(self, job: str) -> Request:
        """Ask that a paused job go on."""
        return self._ask(job, Verb.RESUME)

    def cancel(self, job: str) -> Request:
        """Ask that the job be given up; what it committed stays for a `retry`."""
        return self._ask(job, Verb.CANCEL)

    def retry(self, job: str, shards: Sequence[str] | None = None) -> Request:
        """Ask that what failed be tried again, or only the shards of these names.

        A render shard that is committed is rendered once more, with all that follows from it.

        Raises:
            JobError: the job is published, or has no such shard, or that is still to be done.
        """
        seen = self.look(job)
        for name in shards or ():
            check_retry(seen, name)
        failed = [each for each in seen.shards if each.failures and each.commit is None]
        if not shards and not failed and not seen.state.is_final:
            raise JobError(f"no shard of job {job} has failed; `why {job}` tells what it waits for")
        return self._ask(job, Verb.RETRY, {"shards": None if shards is None else list(shards)})

    def render_shards(self, job: str, frames: str) -> tuple[str, ...]:
        """The names of the render shards that hold any of these frames, such as "1040-1060"."""
        seen = self.look(job)
        return shards_over(seen, seen.spec.plate.range_of(frames))

    def set_priority(self, job: str, priority: int) -> Request:
        """Ask that the job be served with this priority, 0 to 99, the highest first."""
        if not 0 <= priority <= HIGHEST_PRIORITY:
            raise UsageError(f"priority {priority} is not within 0 to {HIGHEST_PRIORITY}")
        return self._ask(job, Verb.PRIORITY, {"priority": priority})

    def joins(self, job: str) -> tuple[Join, ...]:
        """Where the job's shards meet, and how that came out; none before it is published."""
        manifest = read_manifest(self._store, job)
        return () if manifest is None else manifest.joins

    def manifest(self, job: str) -> Manifest:
        """What the job delivered. Raises JobError where it is not published."""
        manifest = read_manifest(self._store, job)
        if manifest is None:
            status = self.status(job)
            told = f"{status.state}{f': {status.message}' if status.message else ''}"
            raise JobError(f"job {job} has nothing to fetch, it is {told}; see `why {job}`")
        return manifest

    def fetch(self, job: str, out: Path, *, replace: bool = False) -> tuple[Path, ...]:
        """Write the job's deliverables, and the manifest last, into the folder `out`.

        Raises:
            JobError: the job is not published.
            ConsentError: the consent it was rendered on no longer stands.
            UsageError: something else is there under one of the names, and not `replace`.
            IntegrityError: a deliverable is not what the manifest says.
        """
        manifest = self.manifest(job)
        permit_download(self._store, job, now_s=self._clock())
        return fetch_delivery(self._store, manifest, out, replace=replace)

    def set_budget(self, job: str, amount: float) -> None:
        """Let the job cost so much, whatever it was submitted with; `resume` lets it go on."""
        if not amount > 0:
            raise UsageError(f"a budget of {amount} lets nothing be done; give more than 0")
        self.status(job)
        write_budget(self._store, job, Budget(amount=amount, by=self._by))

    def links(self, job: str, *, lasts_s: int) -> dict[str, str]:
        """A link to each of the job's deliverables, by name, that works for `lasts_s` seconds.

        Raises:
            JobError: the job is not published.
            ConsentError: the consent it was rendered on no longer stands.
            UsageError: no link may last so long.
        """
        manifest = self.manifest(job)
        permit_download(self._store, job, now_s=self._clock())
        return {
            file.name: link_to(self._store, file.key, lasts_s=lasts_s)
            for file in manifest.deliverables
        }

    def preview(self, job: str) -> tuple[Preview, str]:
        """What of the shot is rendered so far, and where the store has the playlist of it.

        Raises what `preview.PreviewReader.read` raises, ConsentError as `links` does, and JobError
        while there is nothing to see.
        """
        permit_download(self._store, job, now_s=self._clock())
        key, seen = write_preview(self._store, job), PreviewReader(self._store, job).read()
        if not seen.segments:
            raise JobError(f"of job {job} nothing is rendered yet; `why {job}` tells what it does")
        return seen, f"{self._store.url}/{key}"

    def preview_of_links(self, job: str, *, lasts_s: int) -> str:
        """The playlist with links that work for `lasts_s` seconds. Raises as `preview` does."""
        permit_download(self._store, job, now_s=self._clock())
        seen = PreviewReader(self._store, job).read()
        return playlist(seen, lambda _, part: link_to(self._store, part.key, lasts_s=lasts_s))

    def approve(self, job: str, note: str = "") -> Entry:
        """Say that the published shot is good. Raises what `approval.judge` raises."""
        return self._judge(job, Ruling.APPROVED, note)

    def reject(self, job: str, note: str = "") -> Entry:
        """Say that the published shot is not good. Raises what `approval.judge` raises."""
        return self._judge(job, Ruling.REJECTED, note)

    def _judge(self, job: str, ruling: Ruling, note: str) -> Entry:
        return judge(self._store, job, ruling, by=self._by, note=note, now_s=self._clock())

    def _is_about_to_change(self, job: str, state: JobState) -> bool:
        """True where a request that is not taken up yet may make the next one fit."""
        return state is not JobState.PUBLISHED and bool(self.look(job).requests)

    def _at_hand(self) -> int:
        """How many workers the farm has now; 0 where nothing is heard of it."""
        farm = see_farm(self._store)
        return 0 if farm is None or farm.is_gone(self._clock()) else len(farm.workers)

    def _ask(self, job: str, verb: Verb, arguments: dict[str, object] | None = None) -> Request:
        state = self.status(job).state
        if not verb.fits(state) and not self._is_about_to_change(job, state):
            raise JobError(f"job {job} is {state}; {verb} is for {verb.fitting}")
        request = Request(verb=verb, by=self._by, at=self._clock(), arguments=arguments or {})
        put_request(self._store, job, request)
        return request
