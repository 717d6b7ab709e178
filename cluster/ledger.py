"""One job as the controller knows it between two looks at the store.

It does not decide, and writes nothing: everything in it can be rebuilt by `observe`.
"""

from collections.abc import Callable
from dataclasses import replace

from cluster.commit import Commit
from cluster.decide import JobView, ShardView
from cluster.failures import Cause, Failure
from cluster.job import JobState, Stage
from cluster.lease import Lease
from cluster.observe import shard_views
from cluster.plan import Plan, Shard
from cluster.progress import JobStatus, Pace

_FRAME_STAGES = (Stage.POSE, Stage.RENDER)


class Ledger:
    """The job's view, kept up to date, and the progress of what is running."""

    def __init__(self, view: JobView, markers: tuple[str, ...]) -> None:
        self.view = view
        self.markers = markers
        self._epochs: dict[Shard, int] = {}
        self._frames_done: dict[Shard, int] = {}
        self._pace = Pace()
        self._message = ""
        self._exit_code = 0

    @property
    def job(self) -> str:
        return self.view.spec.job

    @property
    def is_final(self) -> bool:
        return self.view.state.is_final

    def next_epoch(self, shard: Shard) -> int:
        return self._epochs.get(shard, 0) + 1

    def planned(self, plan: Plan) -> None:
        self.view = replace(self.view, plan=plan, shards=shard_views(plan))

    def published(self) -> None:
        self.view = replace(self.view, is_published=True)

    def entered(self, state: JobState, message: str = "", exit_code: int = 0) -> None:
        assert self.view.state.may_become(state), f"{self.view.state} cannot become {state}"
        self.view = replace(self.view, state=state)
        self._message, self._exit_code = message, exit_code

    def recall(self, message: str, exit_code: int) -> None:
        """Take over what an earlier controller said of the job's end."""
        self._message, self._exit_code = message, exit_code

    def started(self, lease: Lease) -> None:
        self._epochs[lease.shard] = lease.epoch
        self._change(lease.shard, lambda view: replace(view, running_on=lease.worker))

    def progressed(self, lease: Lease, frames_done: int) -> None:
        if self._epochs.get(lease.shard) == lease.epoch:
            self._frames_done[lease.shard] = frames_done

    def committed(self, commit: Commit) -> None:
        shard = commit.lease.shard
        self._frames_done.pop(shard, None)
        self._change(shard, lambda view: replace(view, running_on=None, commit=commit))

    def failed(self, lease: Lease, failure: Failure) -> None:
        self._frames_done.pop(lease.shard, None)
        self._message = f"{lease.shard} failed on {failure.worker}: {failure.message}"
        self._change(
            lease.shard,
            lambda view: replace(view, running_on=None, failures=(*view.failures, failure)),
        )

    def status(self, now_s: float) -> JobStatus:
        """How far the job is now."""
        stage = self.view.stage
        views = self.view.of(stage) if stage else ()
        total = sum(len(view.shard.frames) for view in views)
        done = sum(self._done_frames(view) for view in views)
        rate = self._pace.measure(stage, now_s, done) if stage in _FRAME_STAGES else None
        if self.view.state is JobState.PUBLISHED:
            done = total = len(self.view.spec.frames)
        return JobStatus(
            job=self.job,
            state=self.view.state,
            stage=stage,
            shards_done=sum(view.commit is not None for view in views),
            shards_total=len(views),
            frames_done=done,
            frames_total=total,
            frames_per_s=rate,
            eta_s=(total - done) / rate if rate else None,
            message=self._message,
            exit_code=self._exit_code,
        )

    def _done_frames(self, view: ShardView) -> int:
        if view.commit is not None:
            return len(view.shard.frames)
        return self._frames_done.get(view.shard, 0)

    def _change(self, shard: Shard, change: Callable[[ShardView], ShardView]) -> None:
        shards = tuple(change(view) if view.shard == shard else view for view in self.view.shards)
        self.view = replace(self.view, shards=shards)


def last_word(shard: Shard, failure: Failure, attempts: int) -> str:
    """Why the job failed, in one line for the person who submitted it."""
    if failure.cause in (Cause.INPUT, Cause.MODEL):
        return failure.message
    times = "once" if attempts == 1 else f"{attempts} times"
    return f"{shard} failed {times}, at last on {failure.worker}: {failure.message}"
