"""Charges jobs and projects for their workers' time, and pauses those whose budget is spent.

It stands beside the controller and looks where it looks; to pause, it asks like anybody does.
Accounts are written every few seconds, so a controller that dies forgets that much.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from bodyswap.errors import IntegrityError, StoreError
from cluster.delivering import accounts
from cluster.farm.decide import Action
from cluster.jobs.control import Request, Verb, put_request
from cluster.jobs.costs import Account, Costs, overspent
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.lease import Lease
from cluster.jobs.snapshot import JobView, Snapshot
from cluster.metering.metrics import Meters
from cluster.stores.store import Store

Decide = Callable[[Snapshot], list[Action]]

_WRITE_EVERY_S = 5.0
_READ_EVERY_S = 30.0
_LONGEST_GAP_S = 60.0
"""Between two looks; a controller that slept longer does not charge for its sleep."""

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Books:
    """An account as it stands, and as it was written."""

    account: Account
    written: Account | None = None


@dataclass(kw_only=True)
class _Job:
    spec: JobSpec
    books: _Books
    budget: float | None
    asked_to_pause: bool = False
    unpriced: dict[Lease, float] = field(default_factory=dict)


class Accountant:
    """`kind_of` tells a lease's kind of worker, None until that was heard."""

    def __init__(
        self, store: Store, meters: Meters, *, kind_of: Callable[[Lease], str | None]
    ) -> None:
        self._store, self._meters, self._kind_of = store, meters, kind_of
        self._costs = Costs()
        self._jobs: dict[str, _Job] = {}
        self._projects: dict[str, _Books] = {}
        self._looked_at_s = self._wrote_at_s = self._read_at_s = float("-inf")

    def deciding(self, decide_next: Decide) -> Decide:
        """`decide_next`, before which whatever is held is charged for."""

        def charge_and_decide(snapshot: Snapshot) -> list[Action]:
            try:
                self.look(snapshot)
            except (StoreError, IntegrityError) as error:
                # The farm does without: what was not charged now is charged at the next look.
                _log.warning("accounts have to wait: %s", error)
            return decide_next(snapshot)

        return charge_and_decide

    def look(self, snapshot: Snapshot) -> None:
        """Charge for the time since the last look. Raises StoreError; looking again goes on."""
        now_s = snapshot.now_s
        if now_s >= self._read_at_s + _READ_EVERY_S:
            self._costs, self._read_at_s = accounts.read_costs(self._store), now_s
        for view in snapshot.jobs:
            self._open(view.spec)
        passed_s = min(now_s - self._looked_at_s, _LONGEST_GAP_S)
        self._looked_at_s = now_s
        for view in snapshot.jobs:
            self._charge(view, passed_s)
        for view in snapshot.jobs:
            self._check(view, now_s)
        is_due = now_s >= self._wrote_at_s + _WRITE_EVERY_S
        # A job that is to be published takes its account along.
        if is_due or any(view.plan and view.stage is None for view in snapshot.jobs):
            self._wrote_at_s = now_s
            self._write()
        if is_due:
            self._close({view.spec.job for view in snapshot.jobs})

    def _open(self, spec: JobSpec) -> None:
        if spec.project not in self._projects:
            kept = accounts.read_project_account(self._store, spec.project)
            self._projects[spec.project] = _Books(account=kept or Account(), written=kept)
        if spec.job not in self._jobs:
            kept = accounts.read_account(self._store, spec.job)
            self._jobs[spec.job] = _Job(
                spec=spec,
                books=_Books(account=kept or Account(), written=kept),
                budget=accounts.read_budget(self._store, spec),
            )

    def _charge(self, view: JobView, passed_s: float) -> None:
        job = self._jobs[view.spec.job]
        held = {each.lease for each in view.held}
        for lease in held:
            job.unpriced[lease] = job.unpriced.get(lease, 0.0) + max(0.0, passed_s)
        for lease in list(job.unpriced):
            kind = self._kind_of(lease)
            # One that ended before it was heard of is charged as whatever costs most.
            if kind is None and lease not in held:
                kind = max(self._costs.rates_per_hour, key=self._costs.rates_per_hour.__getitem__,
                           default="unknown")  # fmt: skip
            if kind is not None:
                self._charge_for(job, kind, job.unpriced.pop(lease))

    def _charge_for(self, job: _Job, kind: str, seconds: float) -> None:
        project = job.spec.project
        for books in (job.books, self._projects[project]):
            books.account = books.account.charged(kind, seconds, self._costs)
        label = self._meters.project(project)
        self._meters.add("cost", self._costs.of(kind, seconds), label, kind)

    def _check(self, view: JobView, now_s: float) -> None:
        """Ask that the job be paused, once, where its budget or its project's is spent."""
        job, project = self._jobs[view.spec.job], view.spec.project
        allowed = self._costs.budgets.get(project)
        spent = self._projects[project].account
        if allowed:
            part = spent.amount / allowed
            self._meters.put("budget_spent_ratio", part, self._meters.project(project))
        if view.state is JobState.PAUSED or view.state.is_final:
            job.asked_to_pause = False
            return
        why = self._overspent(job) or overspent(spent, allowed, whose=f"project {project}'s")
        if why and not job.asked_to_pause:
            job.asked_to_pause = True
            request = Request(verb=Verb.PAUSE, by="budget", at=now_s, arguments={"why": why})
            put_request(self._store, view.spec.job, request)
            # Whoever looks why finds the account that it was.
            self._wrote_at_s = float("-inf")

    def _overspent(self, job: _Job) -> str:
        account = job.books.account
        if overspent(account, job.budget, whose="its") and not job.asked_to_pause:
            # Somebody may have raised it since.
            job.budget = accounts.read_budget(self._store, job.spec)
        return overspent(account, job.budget, whose="its")

    def _write(self) -> None:
        for name, job in self._jobs.items():
            if job.books.account != (job.books.written or Account()):
                accounts.write_account(self._store, name, job.books.account)
                job.books.written = job.books.account
        for project, books in self._projects.items():
            if books.account != (books.written or Account()):
                accounts.write_project_account(self._store, project, books.account)
                books.written = books.account

    def _close(self, there: set[str]) -> None:
        """Forget the jobs that are no longer in hand; their accounts are written."""
        for name in set(self._jobs) - there:
            del self._jobs[name]
