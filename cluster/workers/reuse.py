"""Take over what other jobs have committed, where it is what this job's shard would come to.

`Past` is one worker's look at it; `reusable` is everybody else's, without a worker or a file kept.
"""

from dataclasses import replace
from pathlib import Path

from bodyswap.errors import IntegrityError, StoreError
from bodyswap.people import PoseSequence
from cluster.jobs.address import is_for_one_kind, pose_address, render_address, solve_address
from cluster.jobs.commit import Commit, read_commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.order import Order
from cluster.jobs.plan import Plan, Shard
from cluster.jobs.results import find, offer
from cluster.jobs.subjects import read_card_text
from cluster.rights.marking import mark_for, traces_of
from cluster.stores.store import Store
from cluster.workers.scratch import Scratch


class Past:
    """What was done before, by the address of one order's shard; an assembly has none.

    What somebody had done again is not taken from before: then it would be what it was.
    """

    def __init__(
        self, store: Store, scratch: Scratch, order: Order, folder: Path, kind: str
    ) -> None:
        self._store = store
        self._scratch = scratch
        self._order = order
        self._folder = folder
        self._kind = kind
        self._address = self._find_address()

    def result(self) -> Commit | None:
        """A commit for the order made of a past one, each file of which was proven just now."""
        stage, lease = self._order.lease.shard.stage, self._order.lease
        if self._address is None or self._order.lease.shard.take:
            return None
        kind = self._kind if is_for_one_kind(self._order.spec, stage) else None
        found = find(self._store, stage, self._address, kind=kind)
        if found is None or found.lease.job == lease.job:
            return None
        try:
            for file in found.files:
                self._scratch.file(file, self._folder / "past")
            if stage is Stage.RENDER and not self._is_marked_alike(found):
                return None
        except (IntegrityError, StoreError):
            # Damaged or gone: this shard is made anew, and offered in its place.
            return None
        return replace(found, lease=lease, made_by=found.made_by or found.lease, work_s=None)

    def _is_marked_alike(self, found: Commit) -> bool:
        """True where it was marked under the key that this worker has, or neither is marked."""
        mark, theirs = mark_for(self._order.spec), traces_of(self._store, self._order.spec, [found])
        return theirs.mark.partition("@")[2] == (mark.name.partition("@")[2] if mark else "")

    def add(self, commit: Commit) -> None:
        """Let later jobs find what was committed."""
        if self._address is not None:
            offer(self._store, commit, self._address, self._kind)

    def _find_address(self) -> str | None:
        order, shard = self._order, self._order.lease.shard
        match shard.stage:
            case Stage.POSE:
                return pose_address(order.spec, shard)
            case Stage.SOLVE:
                return solve_address(order.spec, shard, order.inputs)
            case Stage.RENDER:
                solved, *before = order.inputs
                poses = self._scratch.file(solved.file("subject"), self._folder / "in" / "solve-0")
                return render_address(
                    order.spec,
                    shard,
                    solved,
                    PoseSequence.from_bytes(poses.read_bytes()),
                    read_card_text(self._store, order.spec.subject, None),
                    before[0] if before else None,
                )
            case Stage.ASSEMBLE:
                return None


def reusable(store: Store, spec: JobSpec, plan: Plan) -> tuple[Plan, dict[Shard, Commit]]:
    """The shards of `plan` that are in the store, as this job's or another's; the plan around cuts.

    As far as can be told without doing anything: what follows from a stage that is not done is not.
    """
    look = _Look(store, spec, plan)
    look.at_all()
    return look.plan, look.found


def is_anothers(commit: Commit, spec: JobSpec) -> bool:
    """True where another job made it, whether this one has taken it over or not."""
    return (commit.made_by or commit.lease).job != spec.job


class _Look:
    def __init__(self, store: Store, spec: JobSpec, plan: Plan) -> None:
        self.plan = plan
        self.found: dict[Shard, Commit] = {}
        self._store = store
        self._spec = spec

    def at_all(self) -> None:
        (assembling,) = self.plan.shards(Stage.ASSEMBLE)
        self._take(assembling, None)
        for shard in self.plan.shards(Stage.POSE):
            self._take(shard, pose_address(self._spec, shard))
        posed = [self.found.get(shard) for shard in self.plan.shards(Stage.POSE)]
        (solving,) = self.plan.shards(Stage.SOLVE)
        commits = [commit for commit in posed if commit is not None]
        whole = len(commits) == len(posed)
        self._take(solving, solve_address(self._spec, solving, commits) if whole else None)
        solved = self.found.get(solving)
        data = None if solved is None else self._store.get(solved.file("subject").key)
        if solved is not None and data is not None:
            self.plan = self.plan.around(solved.cuts)
            self._at_renders(solved, PoseSequence.from_bytes(data))

    def _at_renders(self, solved: Commit, poses: PoseSequence) -> None:
        before: Commit | None = None
        card = read_card_text(self._store, self._spec.subject, None)
        for shard in self.plan.shards(Stage.RENDER):
            goes_on = self._spec.is_exact and shard.index and shard.frames.start not in poses.cuts
            address = None
            if before is not None or not goes_on:
                past = before if goes_on else None
                address = render_address(self._spec, shard, solved, poses, card, past)
            self._take(shard, address)
            before = self.found.get(shard)

    def _take(self, shard: Shard, address: str | None) -> None:
        commit = read_commit(self._store, self._spec.job, shard)
        if commit is None and address is not None:
            commit = find(self._store, shard.stage, address, kind=None)
        if commit is not None:
            self.found[shard] = commit
