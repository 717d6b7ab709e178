"""One warm worker: it holds the models, and does the orders it is given.

It does not know who gives them. Inputs come from the store by key and results go back under the
attempt, committed last; frames never leave the process.
"""

import importlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from bodyswap.config import RenderSettings
from bodyswap.environment import worker_kind
from bodyswap.errors import StoreError, UsageError
from bodyswap.joins import RenderedPart
from bodyswap.people import Detections, PoseSequence
from bodyswap.plate_facts import PLATE_FACTS, facts_from
from cluster.delivering.assemble import JOINS, checked_order
from cluster.delivering.preview import keep_preview
from cluster.delivering.stitching import (
    MAP,
    StitchedShot,
    is_mapped,
    open_segment,
    place_segment,
    read_opening,
)
from cluster.jobs.commit import Commit, Outcome, StoredFile, put_commit, read_commit, store_file
from cluster.jobs.failures import classify
from cluster.jobs.figures import Gauge
from cluster.jobs.job import Stage
from cluster.jobs.keys import JobKeys
from cluster.jobs.lease import Lease
from cluster.jobs.order import Done, Ending, Failed, Order
from cluster.jobs.trace_id import trace_of
from cluster.rights.doors import permit_order, watched
from cluster.rights.marking import TRACES, mark_for, traced
from cluster.stores.opening import open_store
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store
from cluster.workers.attempt_words import overheard
from cluster.workers.reuse import Past
from cluster.workers.runtime import WorkerConfig
from cluster.workers.scratch import Scratch
from cluster.workers.splice import spliced
from cluster.workers.stages import RECIPE, OnFrame, Pipeline, Solution

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
            match lease.shard.stage:
                case Stage.POSE:
                    commit = self._pose(order, folder, on_frame)
                case Stage.SOLVE:
                    commit = self._solve(order, folder)
                case Stage.RENDER:
                    commit = self._render(order, folder, on_frame)
                case Stage.ASSEMBLE:
                    commit = self._assemble(order, folder)
            commit = replace(commit, work_s=time.monotonic() - started_s)
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

    def _pose(self, order: Order, folder: Path, on_frame: OnFrame) -> Commit:
        detections = self._pipeline.pose_range(
            self._scratch.plate(order.spec.plate),
            order.lease.shard.frames,
            settings=order.settings,
            on_frame=on_frame,
        )
        return self._commit(
            order, self._stored(order, folder / "detections.npz", detections.to_bytes())
        )

    def _solve(self, order: Order, folder: Path) -> Commit:
        solution = self._solution(order, folder)
        report = json.dumps(solution.report, indent=1).encode()
        commit = self._commit(
            order,
            self._stored(order, folder / "performer.npz", solution.performer.to_bytes()),
            self._stored(order, folder / "subject.npz", solution.subject.to_bytes()),
            self._stored(order, folder / "report.json", report),
            *([self._stored(order, folder / RECIPE, solution.recipe)] if solution.recipe else []),
        )
        return replace(commit, cuts=solution.subject.cuts)

    def _solution(self, order: Order, folder: Path) -> Solution:
        """The whole shot's, with what is set otherwise in some frames solved so and put in."""
        spec = order.spec
        solution = self._solved(order, folder, order.settings)
        anew = [
            (part.frames, self._solved(order, folder, spec.settings_in(part)))
            for part in spec.ranges
            if part.of_solving
        ]
        return spliced(solution, anew) if anew else solution

    def _solved(self, order: Order, folder: Path, settings: RenderSettings) -> Solution:
        spec = order.spec
        plate, subject = self._scratch.plate(spec.plate), self._scratch.subject(spec.subject)
        replacement = self._scratch.replacement(spec)
        if spec.poses is not None:
            poses = self._scratch.poses(spec.poses)
            return self._pipeline.solve_given_poses(
                poses, plate, spec.frames, subject, settings, replacement=replacement
            )
        parts = [self._read(commit, "detections", folder) for commit in order.inputs]
        detections = Detections.joined([Detections.from_bytes(part) for part in parts])
        return self._pipeline.solve_shot(
            detections, plate, spec.frames, subject, settings, replacement=replacement
        )

    def _render(self, order: Order, folder: Path, on_frame: OnFrame) -> Commit:
        solved, *before = order.inputs
        settings = order.settings
        rendered = self._pipeline.render_range(
            self._scratch.plate(order.spec.plate),
            order.lease.shard.frames,
            PoseSequence.from_bytes(self._read(solved, "subject", folder)),
            self._scratch.subject(order.spec.subject),
            folder / f"segment{_suffix(settings)}",
            settings=settings,
            state=self._read(before[0], "boundary", folder) if before else None,
            on_frame=on_frame,
            mark=(mark := mark_for(order.spec)),
            recipe=self._recipe(solved, folder),
            replacement=self._scratch.replacement(order.spec),
        )
        segment = rendered.segment
        return Commit(
            lease=order.lease,
            files=(
                store_file(self._store, order.lease, segment.path),
                *(store_file(self._store, order.lease, path) for path in segment.frame_files),
                self._stored(order, folder / "entrance.bin", rendered.entrance),
                self._stored(order, folder / "boundary.bin", rendered.boundary),
                self._stored(order, folder / "pictures.json", to_json(rendered.picture_hashes)),
                *self._mapped(order, folder, rendered.segment_map),
                self._stored(order, folder / TRACES, to_json(traced(mark, rendered.prints))),
                *(store_file(self._store, order.lease, path) for path in folder.glob(PLATE_FACTS)),
            ),
            frame_count=len(segment.frames),
            first_pts=segment.first_pts,
            last_pts=segment.last_pts,
        )

    def _assemble(self, order: Order, folder: Path) -> Commit:
        solved, *rendered = order.inputs
        commits = checked_order(rendered, order.spec.frames)
        plate, settings = self._scratch.plate(order.spec.plate), order.settings
        proven = self._pipeline.prove_joins(
            [self._part(commit, folder) for commit in commits],
            plate,
            PoseSequence.from_bytes(self._read(solved, "subject", folder)),
            self._scratch.subject(order.spec.subject),
            folder,
            settings=settings,
            mark=mark_for(order.spec),
            recipe=self._recipe(solved, folder),
            replacement=self._scratch.replacement(order.spec),
        )
        stored, shot = self._joined(order, commits, proven.segments, folder)
        joins = tuple(self._pipeline.see_joins(shot, order.spec.frames, proven.joins))
        return Commit(
            lease=order.lease,
            files=(
                stored,
                self._stored(order, folder / JOINS, to_json(joins)),
                *self._plate_facts(order, commits, folder),
                *(store_file(self._store, order.lease, path) for path in folder.glob("frames.*")),
                *self._frames(order, commits, folder),
            ),
            frame_count=sum(commit.frame_count for commit in commits),
            first_pts=commits[0].first_pts,
            last_pts=commits[-1].last_pts,
        )

    def _joined(
        self, order: Order, commits: Sequence[Commit], segments: Sequence[Path], folder: Path
    ) -> tuple[StoredFile, Path]:
        """The shot, in the store and proven by decoding it; joined there where segments allow."""
        spec, settings = order.spec, order.settings
        plate, path = self._scratch.plate(spec.plate), folder / f"shot{_suffix(settings)}"
        if not all(map(is_mapped, commits)):
            self._pipeline.assemble_shot(
                list(segments), plate, spec.frames, path, settings=settings
            )
            return store_file(self._store, order.lease, path), path
        mapped = {self._segment_path(commit, folder): commit for commit in commits}
        placed = [place_segment(self._store, order.lease, at, mapped.get(at)) for at in segments]
        head = self._pipeline.head_of_shot(
            [segment.map for segment in placed], partial(read_opening, self._store, placed[0]),
            plate, spec.frames, settings=settings,
        )  # fmt: skip
        shot = StitchedShot(self._store, order.lease, path.name)
        streamed = shot.compose(head, placed)
        index = self._pipeline.check_shot(streamed, plate, spec.frames, folder, settings=settings)
        stored = shot.proven()
        _log.info("joined in the store: %s", shot.sentence())
        return stored, shot.known_as(index)

    def _recipe(self, solved: Commit, folder: Path) -> bytes | None:
        is_there = any(file.name == RECIPE for file in solved.files)
        return self._read(solved, "recipe", folder) if is_there else None

    def _plate_facts(
        self, order: Order, commits: tuple[Commit, ...], folder: Path
    ) -> tuple[StoredFile, ...]:
        """Frame by frame, what was done to the plate; of mended frames, what was done last."""
        parts = [
            self._read(commit, "plate", folder)
            for commit in commits
            if any(file.name == PLATE_FACTS for file in commit.files)
        ]
        parts += [path.read_bytes() for path in sorted(folder.glob(f"mended-*/{PLATE_FACTS}"))]
        if not parts:
            return ()
        facts = {fact.number: fact for part in parts for fact in facts_from(part)}
        told = to_json(tuple(facts[number] for number in sorted(facts)))
        return (self._stored(order, folder / PLATE_FACTS, told),)

    def _part(self, commit: Commit, folder: Path) -> RenderedPart:
        hashes = from_json(self._read(commit, "pictures", folder), tuple[str, ...], what="pictures")
        return RenderedPart(
            frames=commit.lease.shard.frames,
            segment=self._segment(commit, folder),
            entrance=self._read(commit, "entrance", folder),
            boundary=self._read(commit, "boundary", folder),
            picture_hashes=hashes,
        )

    def _commit(self, order: Order, *files: StoredFile) -> Commit:
        frames = order.lease.shard.frames
        return Commit(lease=order.lease, files=files, frame_count=len(frames))

    def _stored(self, order: Order, path: Path, data: bytes) -> StoredFile:
        path.write_bytes(data)
        return store_file(self._store, order.lease, path)

    def _read(self, commit: Commit, name: str, folder: Path) -> bytes:
        return self._fetched(commit, name, folder).read_bytes()

    def _mapped(self, order: Order, folder: Path, segment_map: bytes) -> tuple[StoredFile, ...]:
        return (self._stored(order, folder / MAP, segment_map),) if segment_map else ()

    def _segment(self, commit: Commit, folder: Path) -> Path:
        """The segment where it lies, if it can be joined there; else fetched."""
        if not is_mapped(commit):
            return self._fetched_segment(commit, folder)
        return open_segment(self._store, commit, self._segment_path(commit, folder))

    def _segment_path(self, commit: Commit, folder: Path) -> Path:
        return folder / "in" / f"render-{commit.lease.shard.index}" / commit.file("segment").name

    def _fetched_segment(self, commit: Commit, folder: Path) -> Path:
        for file in _frame_files(commit):
            self._fetched(commit, file.name, folder)
        return self._fetched(commit, "segment", folder)

    def _frames(
        self, order: Order, commits: tuple[Commit, ...], folder: Path
    ) -> tuple[StoredFile, ...]:
        """A sequence's files: in the store already, each under its shard, but for mended ones."""
        files = {file.name: file for commit in commits for file in _frame_files(commit)}
        for path in sorted(folder.glob("mended-*/shot.*")):
            files[path.name] = store_file(self._store, order.lease, path)
        return tuple(files.values())

    def _fetched(self, commit: Commit, name: str, folder: Path) -> Path:
        shard = commit.lease.shard
        return self._scratch.file(commit.file(name), folder / "in" / f"{shard.stage}-{shard.index}")


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


def _frame_files(rendered: Commit) -> list[StoredFile]:
    """A sequence's frames; none of a video."""
    return [file for file in rendered.files if file.name.startswith("shot.")]


def _suffix(settings: RenderSettings) -> str:
    # PyAV comes with it, which nothing needs before there is work.
    from bodyswap.encode import delivery_suffix

    return delivery_suffix(settings.codec)
