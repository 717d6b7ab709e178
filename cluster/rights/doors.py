"""The doors: before training, at submit, before every shard, before assembly, publish, download.

Each looks for a consent that covers what is about to be done, by this machine's own list of whom to
trust, writes down what came of it, and raises where the answer is no. Of a shot with several
subjects everyone's consent is asked for, and one missing closes the door. Nothing that a job or an
order says can open one. It does not know how a shot is made.
"""

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from bodyswap.errors import JobError, UsageError
from bodyswap.rights.audit import Event, Fact
from bodyswap.rights.consent import ConsentRecord, read_consent
from bodyswap.rights.permit import Act, Deed, permitting
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import Revocations
from bodyswap.rights.training_door import card_word, training_act
from bodyswap.rights.trust import Trust, operator_trust
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.keys import key_part
from cluster.jobs.observe import read_spec
from cluster.jobs.order import Order
from cluster.jobs.refs import PlateRef, SubjectRef
from cluster.rights.audit_log import append
from cluster.rights.consents import consents_of, latest_revocations
from cluster.stores.store import Store
from cluster.stores.tally import TALLY

WATCH_EVERY_S = 20.0
"""A running shard looks at the revocation list this often: a revocation stops it in a minute."""
_WEIGHTS = "generator.safetensors"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who comes to a door, with which job, for what."""

    act: Act
    by: str
    job: str = ""
    frames: str = ""


def permit(store: Store, visit: Visit, *, now_s: float) -> ConsentRecord:
    """The consent that covers the visit; the log knows of it before anything is done.

    Raises:
        RefusedError: none does; the log knows of that too.
        StoreError: the store failed: then nothing is permitted.
    """
    trust = operator_trust()
    try:
        record = covering(store, visit.act, trust, now_s)
    except RefusedError as error:
        TALLY.refused(error.refusal)
        fact = _fact(visit, Event.REFUSED, error.consent or "", f"{error.refusal}: {error}")
        append(store, fact, trust, at_s=now_s)
        raise
    append(store, _fact(visit, Event.PERMITTED, record.id, ""), trust, at_s=now_s)
    return record


def covering(store: Store, act: Act, trust: Trust, now_s: float) -> ConsentRecord:
    """The consent in the store or the package that covers `act`; nothing is written down.

    Raises:
        RefusedError: none does; the one that came nearest says why.
    """
    records, unreadable = [], []
    for source, token in consents_of(store, act.subject):
        try:
            records.append(read_consent(token, trust, source=source))
        except RefusedError as error:
            unreadable.append(error)
    revocations = _revocations(store, trust, records)
    try:
        return permitting(records, act, now_s, revocations)
    except RefusedError as error:
        raise max([error, *unreadable], key=lambda each: each.refusal.nearness) from None


def permit_training(
    store: Store, subject: str, footage_sha256: tuple[str, ...], claimed: str | None, *, by: str
) -> str:
    """The door before training on the farm: what the card is to say of the consent.

    Raises:
        RefusedError: no consent covers training on this footage, or it is not the claimed one.
    """
    act = training_act(subject, footage_sha256)
    return card_word(permit(store, Visit(act=act, by=by), now_s=time.time()), claimed)


def permit_submit(store: Store, spec: JobSpec, *, now_s: float) -> None:
    """The door at submit. Raises RefusedError."""
    for act in acts_of(spec, Deed.SUBMIT):
        permit(store, Visit(act=act, by=spec.submitted_by, job=spec.job), now_s=now_s)


def permit_order(store: Store, order: Order) -> None:
    """The door on the worker, before each shard and before assembly, whoever gave the order.

    Raises:
        RefusedError: no consent covers the very weights that the order names.
        UsageError: a name in the order would leave the worker's folder.
    """
    _check_names(order)
    for visit in _visits(order):
        permit(store, visit, now_s=time.time())


def watched(
    store: Store,
    order: Order,
    on_frame: Callable[[int], None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int], None]:
    """`on_frame`, which besides raises RefusedError once the consent no longer stands."""
    looked_at_s = clock()

    def tell(frames_done: int) -> None:
        nonlocal looked_at_s
        if clock() >= looked_at_s + WATCH_EVERY_S:
            looked_at_s = clock()
            recheck(store, order)
        on_frame(frames_done)

    return tell


def recheck(store: Store, order: Order) -> None:
    """Look again in the middle of a shard; only a refusal is written down. Raises RefusedError."""
    _recheck(store, _visits(order))


def permit_publish(store: Store, spec: JobSpec) -> tuple[ConsentRecord, ...]:
    """The door before deliverables are released: the consents they are released on, or an error.

    One for each of the job's `subjects`, in their order.

    Raises:
        RefusedError: no consent covers it.
    """
    return permit_all(store, spec, Deed.PUBLISH, by="farm", now_s=time.time())


def recheck_publish(store: Store, spec: JobSpec) -> None:
    """Look again before the last step; only a refusal is written down. Raises RefusedError."""
    acts = acts_of(spec, Deed.PUBLISH)
    _recheck(store, [Visit(act=act, by="farm", job=spec.job) for act in acts])


def _recheck(store: Store, visits: list[Visit]) -> None:
    trust, now_s = operator_trust(), time.time()
    for visit in visits:
        try:
            covering(store, visit.act, trust, now_s)
        except RefusedError:
            permit(store, visit, now_s=now_s)


def permit_all(
    store: Store, spec: JobSpec, deed: Deed, *, by: str, now_s: float
) -> tuple[ConsentRecord, ...]:
    """The consents that cover `deed` to each of a job's `subjects`, written down.

    Raises as `permit`.
    """
    visits = [
        Visit(act=act, by=by, job=spec.job, frames=spec.plate.numbers(spec.frames))
        for act in acts_of(spec, deed)
    ]
    return tuple(permit(store, visit, now_s=now_s) for visit in visits)


def covering_all(
    store: Store, spec: JobSpec, deed: Deed, trust: Trust, now_s: float
) -> tuple[ConsentRecord, ...]:
    """The consents that cover `deed` to each of a job's `subjects`. Raises as `covering`."""
    return tuple(covering(store, act, trust, now_s) for act in acts_of(spec, deed))


def permit_download(store: Store, job: str, *, now_s: float) -> None:
    """The door before deliverables leave the store. Raises RefusedError, JobError."""
    spec = read_spec(store, job)
    if spec is None:
        raise JobError(f"'{job}' is no job of {store.url}")
    permit_all(store, spec, Deed.DOWNLOAD, by=_user(), now_s=now_s)


def acts_of(spec: JobSpec, deed: Deed) -> tuple[Act, ...]:
    """What `deed` is done to in a job: one act for each of its `subjects`."""
    return tuple(
        Act(
            deed=deed,
            subject=subject.name,
            production=spec.project,
            shot=PurePosixPath(spec.plate.name).stem,
            use=spec.use,
            checkpoint=checkpoint_of(subject),
            is_unmarked=not spec.render_settings.watermark,
        )
        for subject in spec.subjects
    )


def checkpoint_of(subject: SubjectRef) -> str:
    """What a consent calls the checkpoint: the SHA-256 of its weights, else of the whole model."""
    weights = {file.name: file.sha256 for file in subject.files}.get(_WEIGHTS)
    return weights or subject.digest


def _revocations(store: Store, trust: Trust, records: list[ConsentRecord]) -> Revocations | None:
    """The latest list. For the synthetic alone, one that cannot be believed is none."""
    try:
        return latest_revocations(store, trust)
    except RefusedError as error:
        if all(record.is_synthetic for record in records):
            return None
        raise RefusedError(Refusal.STALE_REVOCATIONS, str(error)) from error


def _visits(order: Order) -> list[Visit]:
    shard = order.lease.shard
    deed = Deed.ASSEMBLE if shard.stage is Stage.ASSEMBLE else Deed.RENDER
    return [
        Visit(
            act=act,
            by=order.lease.worker,
            job=order.spec.job,
            frames=f"{shard.stage} {order.spec.plate.numbers(shard.frames)}",
        )
        for act in acts_of(order.spec, deed)
    ]


def _fact(visit: Visit, event: Event, consent: str, detail: str) -> Fact:
    act = visit.act
    return Fact(
        event=event, by=visit.by, deed=act.deed, subject=act.subject, consent=consent,
        job=visit.job, production=act.production, shot=act.shot, use=act.use,
        checkpoint=act.checkpoint, frames=visit.frames, detail=detail,
    )  # fmt: skip


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _parts(plate: PlateRef) -> list[str]:
    """What of it becomes part of a key or a path."""
    return [plate.name, plate.sha256, *([plate.record] if plate.record else [])]


def _check_names(order: Order) -> None:
    spec, lease = order.spec, order.lease
    if lease.job != spec.job:
        raise UsageError(f"an order of job {spec.job} has a lease of '{lease.job[:80]}'; refused")
    plates = [spec.plate, *([spec.clean_plate] if spec.clean_plate else [])]
    names = [part for plate in plates for part in _parts(plate)]
    for subject in spec.subjects:
        names.append(subject.name)
        names += [part for file in subject.files for part in (file.name, file.sha256)]
    names += [lease.worker, *([spec.poses.sha256] if spec.poses else [])]
    names += [file.name for commit in order.inputs for file in commit.files]
    for name in names:
        if key_part(name) != name:
            raise UsageError(f"'{name[:80]}' in an order is no plain name; the order is refused")
