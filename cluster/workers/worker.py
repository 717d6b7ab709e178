"""One warm worker: it holds the models, and does the orders it is given.

It does not know who gives them. Inputs come from the store by key and results go back under the
attempt, committed last; frames never leave the process.
"""

import importlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from bodyswap.config import RenderSettings
from bodyswap.environment import worker_kind
from bodyswap.errors import StoreError, UsageError
from bodyswap.overlap import OnFrame
from bodyswap.passes.plate_facts import PLATE_FACTS
from bodyswap.people import Detections
from cluster.delivering.preview import keep_preview
from cluster.delivering.stitching import MAP
from cluster.jobs.commit import Commit, Outcome, put_commit, read_commit
from cluster.jobs.failures import classify
from cluster.jobs.figures import Gauge
from cluster.jobs.job import Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.order import Done, Ending, Failed, Order
from cluster.jobs.trace_id import trace_of
from cluster.rights.doors import permit_order, recheck, watched
from cluster.rights.marking import TRACES, frame_traces
from cluster.stores.opening import open_store
from cluster.stores.record import to_json
from cluster.stores.store import Store
from cluster.workers.assembling import assemble
from cluster.workers.attempt import Attempt, delivery_suffix
from cluster.workers.attempt_words import overheard
from cluster.workers.reuse import Past
from cluster.workers.runtime import WorkerConfig
from cluster.workers.scratch import Scratch
from cluster.workers.splice import spliced
from cluster.workers.stages import RECIPE, Pipeline, Solution

_log = logging.getLogger(__name__)


class Worker:
    """Does one order at a time. The pipeline, and with it torch, is loaded at the first one."""

    def __init__(
        self, name: str, *, store: Store, load: Callable[[], Pipeline], scratch: Path
    ) -> None:
        self._name = name
        self._store = store
        self._load = load
        self._scratch = Scratch(store, scratch)
        self.gauge = Gauge()
        _log.setLevel(logging.INFO)

    @cached_property
    def _pipeline(self) -> Pipeline:
        return self._load()

    def run(self, order: Order, on_frame: OnFrame) -> Ending:
        """Do `order`; whatever goes wrong is reported, not raised. What was said is kept."""
        with overheard() as words, self.gauge.measuring(order.lease):
            ending = self._try(order, self.gauge.counting(on_frame))
        self._keep(order.lease, words.getvalue())
        return replace(ending, figures=self.gauge.close())

    def execute(self, order: Order, on_frame: OnFrame) -> Outcome:
        """Do `order` and commit it, unless it is committed already.

        Raises:
            BodyswapError: see `failures` for what each kind leads to.
        """
        lease, started_s = order.lease, time.monotonic()
        standing = read_commit(self._store, lease.job, lease.shard)
        if standing is not None:
            return Outcome.WON if standing.lease == lease else Outcome.LOST
        permit_order(self._store, order)
        on_frame = watched(self._store, order, on_frame)
        with self._scratch.attempt(lease) as folder:
            past = Past(self._store, self._scratch, order, folder, worker_kind())
            done = past.result()
            if done is not None and done.made_by is not None:
                _log.info("%s is taken over from job %s", lease.shard, done.made_by.job)
                return put_commit(self._store, done)
            attempt = Attempt(store=self._store, scratch=self._scratch, order=order, folder=folder)
            commit = self._commit_of(attempt, on_frame)
            commit = replace(commit, work_s=time.monotonic() - started_s)
            recheck(self._store, order)
            outcome = put_commit(self._store, commit)
            if outcome is Outcome.WON:
                past.add(commit)
        self._show(order)
        return outcome

    def _try(self, order: Order, on_frame: OnFrame) -> Ending:
        lease = order.lease
        started_s = time.monotonic()
        _log.info(
            "%s begins %s of job %s, attempt %s, trace %s",
            self._name, lease.shard, lease.job, lease.attempt, trace_of(lease.job),
        )  # fmt: skip
        try:
            outcome = self.execute(order, on_frame)
        except Exception as error:  # noqa: BLE001 - the process edge: every failure becomes a report
            _log.exception("%s failed", lease.shard)
            return Failed(lease=lease, failure=classify(error, worker=self._name, at_s=time.time()))
        _log.info("%s is %s after %.1f s", lease.shard, outcome, time.monotonic() - started_s)
        return Done(lease=lease, outcome=outcome)

    def _keep(self, lease: Lease, words: str) -> None:
        try:
            self._store.put(JobKeys(job=lease.job).log(lease), words.encode())
        except StoreError as error:
            # The shard is what counts; its end is told all the same.
            _log.warning("the log of %s is lost: %s", lease.shard, error)

    def _show(self, order: Order) -> None:
        try:
            keep_preview(self._store, order.spec, order.lease.shard)
        except StoreError as error:
            # A look at the shot is not worth the shard: the next commit writes it again.
            _log.warning("the preview is not written: %s", error)

    def _commit_of(self, attempt: Attempt, on_frame: OnFrame) -> Commit:
        match attempt.lease.shard.stage:
            case Stage.POSE:
                return self._pose(attempt, on_frame)
            case Stage.SOLVE:
                return self._solve(attempt)
            case Stage.RENDER:
                return self._render(attempt, on_frame)
            case Stage.ASSEMBLE:
                return assemble(attempt, self._pipeline)

    def _pose(self, attempt: Attempt, on_frame: OnFrame) -> Commit:
        detections = self._pipeline.pose_range(
            attempt.plate,
            attempt.lease.shard.frames,
            settings=attempt.settings,
            on_frame=on_frame,
        )
        return attempt.commit(attempt.stored("detections.npz", detections.to_bytes()))

    def _solve(self, attempt: Attempt) -> Commit:
        solution = self._solution(attempt)
        commit = attempt.commit(
            attempt.stored("performer.npz", solution.performer.to_bytes()),
            attempt.stored("subject.npz", solution.subject.to_bytes()),
            attempt.stored("report.json", json.dumps(solution.report, indent=1).encode()),
            *([attempt.stored(RECIPE, solution.recipe)] if solution.recipe else []),
        )
        return replace(commit, cuts=solution.subject.cuts)

    def _solution(self, attempt: Attempt) -> Solution:
        """The whole shot's, with what is set otherwise in some frames solved so and put in."""
        spec = attempt.spec
        solution = self._solved(attempt, attempt.settings)
        anew = [
            (part.frames, self._solved(attempt, spec.settings_in(part)))
            for part in spec.ranges
            if part.of_solving
        ]
        return spliced(solution, anew) if anew else solution

    def _solved(self, attempt: Attempt, settings: RenderSettings) -> Solution:
        spec, shot = attempt.spec, replace(attempt.inputs, settings=settings)
        if spec.poses is not None:
            poses = self._scratch.poses(spec.poses)
            return self._pipeline.solve_given_poses(poses, shot, spec.frames)
        parts = [attempt.read(commit, "detections") for commit in attempt.order.inputs]
        detections = Detections.joined([Detections.from_bytes(part) for part in parts])
        return self._pipeline.solve_shot(detections, shot, spec.frames)

    def _render(self, attempt: Attempt, on_frame: OnFrame) -> Commit:
        solved, *before = attempt.order.inputs
        shot, folder = attempt.solved_shot(solved), attempt.folder
        rendered = self._pipeline.render_range(
            shot,
            attempt.lease.shard.frames,
            folder / f"segment{delivery_suffix(attempt.settings)}",
            state=attempt.read(before[0], "boundary") if before else None,
            on_frame=on_frame,
        )
        segment, segment_map = rendered.segment, rendered.segment_map
        return Commit(
            lease=attempt.lease,
            files=(
                *attempt.kept([segment.path, *segment.frame_files]),
                attempt.stored("entrance.bin", rendered.entrance),
                attempt.stored("boundary.bin", rendered.boundary),
                attempt.stored("pictures.json", to_json(rendered.picture_hashes)),
                *([attempt.stored(MAP, segment_map)] if segment_map else []),
                attempt.stored(TRACES, to_json(frame_traces(shot.mark, rendered.prints))),
                *attempt.kept(folder.glob(PLATE_FACTS)),
            ),
            frame_count=len(segment.frames),
            first_pts=segment.first_pts,
            last_pts=segment.last_pts,
        )


def build_worker(name: str, config: WorkerConfig) -> Worker:
    """The worker that `config` tells of."""
    return Worker(
        name,
        store=open_store(config.store_url),
        load=partial(load_pipeline, config.pipeline),
        scratch=config.scratch,
    )


def load_pipeline(path: str) -> Pipeline:
    """An instance of the class at `path`, "module:class". The default's takes torch with it."""
    module, _, name = path.partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"pipeline '{path}' cannot be loaded: {error}") from error
    return cast(Pipeline, kind())
