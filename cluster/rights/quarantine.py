"""Put out of reach what a revoked consent made: the model, the rendered shards, the deliverables.

Nothing is deleted: a quarantined object lies under quarantine/ and its own key, for whoever must
answer for it. Safe to repeat; what marks a whole thing as whole is moved first.
"""

from functools import partial

from bodyswap.rights.audit import Event, Fact
from bodyswap.rights.consent import ANY, read_consent
from bodyswap.rights.permit import Deed
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.trust import Trust
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.keys import JOBS, QUARANTINE, TRAINING, JobKeys, TrainingKeys, subject_file
from cluster.jobs.observe import read_spec
from cluster.jobs.refs import SubjectRef
from cluster.jobs.subjects import MARKER, stored_subjects
from cluster.jobs.training_spec import TrainingSpec
from cluster.rights.audit_log import append
from cluster.rights.consents import consents_of, latest_revocations
from cluster.rights.doors import checkpoint_of, covering_all
from cluster.stores.asker import Asker
from cluster.stores.record import from_yaml
from cluster.stores.store import Store

_MARKERS = ("manifest.json", "commit.json", MARKER)


def quarantine(
    store: Store, subject: str, trust: Trust, asker: Asker, *, by: str, now_s: float
) -> list[str]:
    """Move everything of `subject` that no standing consent covers. Answers the keys moved.

    Raises:
        RefusedError: the revocation list cannot be believed, so nothing can be told.
    """
    moved: list[str] = []
    for spec in _jobs_of(store, subject):
        if not _is_covered(store, spec, trust, now_s):
            moved += _shot_moved(store, spec, asker)
    standing = _standing_checkpoints(store, subject, trust)
    for model in stored_subjects(store):
        checkpoint = checkpoint_of(model)
        if model.name == subject and not {ANY, checkpoint} & standing:
            moved += _moved(store, _folder(model), asker)
    if not standing:
        moved += _states_moved(store, subject, asker)
    if moved:
        detail = f"{len(moved)} objects moved to {QUARANTINE}"
        fact = Fact(event=Event.QUARANTINED, by=by, subject=subject, detail=detail)
        append(store, fact, trust, at_s=now_s)
    return moved


def quarantine_revoked(
    store: Store, spec: JobSpec, trust: Trust, asker: Asker, *, by: str, now_s: float
) -> list[str]:
    """Move what a job has made since its consent was revoked; nothing where that is not so."""
    try:
        covering_all(store, spec, Deed.PUBLISH, trust, now_s)
        return []
    except RefusedError as error:
        if error.refusal is not Refusal.REVOKED:
            return []
    moved = _shot_moved(store, spec, asker)
    if moved:
        detail = f"{len(moved)} objects of job {spec.job} moved to {QUARANTINE}"
        for subject in spec.subjects:
            fact = Fact(
                event=Event.QUARANTINED, by=by, subject=subject.name, job=spec.job, detail=detail
            )
            append(store, fact, trust, at_s=now_s)
    return moved


def _shot_moved(store: Store, spec: JobSpec, asker: Asker) -> list[str]:
    keys = JobKeys(job=spec.job)
    made = (keys.out, keys.sealed, keys.stage(Stage.RENDER), keys.stage(Stage.ASSEMBLE))
    return [key for prefix in made for key in _moved(store, prefix, asker)]


def _states_moved(store: Store, subject: str, asker: Asker) -> list[str]:
    """What trainings of the subject have come to: their weights, half learnt, and samples."""
    moved: list[str] = []
    for key in store.list_keys(TRAINING):
        if not key.endswith("/training.yaml"):
            continue
        spec = from_yaml(store.get(key) or b"", TrainingSpec, what=key)
        keys = TrainingKeys(training=spec.training)
        if spec.subject == subject:
            moved += [*_moved(store, keys.states, asker), *_moved(store, keys.out(""), asker)]
    return moved


def _jobs_of(store: Store, subject: str) -> list[JobSpec]:
    jobs = [key.split("/")[1] for key in store.list_keys(JOBS) if key.endswith("/job.yaml")]
    specs = (read_spec(store, job) for job in jobs)
    return [spec for spec in specs if spec is not None and _shows(spec, subject)]


def _shows(spec: JobSpec, subject: str) -> bool:
    return any(each.name == subject for each in spec.subjects)


def _is_covered(store: Store, spec: JobSpec, trust: Trust, now_s: float) -> bool:
    try:
        covering_all(store, spec, Deed.PUBLISH, trust, now_s)
    except RefusedError:
        return False
    return True


def _standing_checkpoints(store: Store, subject: str, trust: Trust) -> set[str]:
    """Every checkpoint that some consent names which is trusted and was not revoked."""
    revocations = latest_revocations(store, trust)
    standing: set[str] = set()
    for source, token in consents_of(store, subject):
        try:
            record = read_consent(token, trust, source=source)
        except RefusedError:
            continue
        if revocations is None or revocations.find(record.id) is None:
            standing.update(record.terms.checkpoints)
    return standing


def _moved(store: Store, prefix: str, asker: Asker) -> list[str]:
    keys = store.list_keys(prefix)
    markers = [key for key in keys if key.rpartition("/")[2] in _MARKERS]
    rest = [key for key in keys if key not in markers]
    for group in (markers, rest):
        for moved in asker.all([partial(_move, store, key) for key in group]):
            moved()
    return [*markers, *rest]


def _move(store: Store, key: str) -> None:
    store.copy(key, QUARANTINE + key)
    store.delete(key)


def _folder(model: SubjectRef) -> str:
    return subject_file(model, MARKER).removesuffix(MARKER)
