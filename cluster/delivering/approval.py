"""A person's verdict on a published shot: approved or rejected, by whom, with which words.

It is written into the audit log first, then into the job's journal, and whoever hears of the job by
webhook hears of it. The last verdict counts; none is ever taken out. It does not know who may
judge: whoever can write the store can, under the name they give.
"""

from collections.abc import Sequence

from bodyswap.errors import JobError, UsageError
from bodyswap.rights.audit import AuditEntry, Event, Fact
from bodyswap.rights.permit import Deed
from bodyswap.rights.trust import operator_trust
from cluster.delivering.publish import read_manifest
from cluster.delivering.verdicts import lay_verdict
from cluster.jobs.job import JobState
from cluster.jobs.journal import Entry, Journal, Ruling
from cluster.jobs.observe import read_spec
from cluster.notices.outbox import ask_to_tell
from cluster.rights.audit_log import append
from cluster.rights.doors import acts_of, covering_all
from cluster.stores.store import Store

_EVENTS = {Ruling.APPROVED: Event.APPROVED, Ruling.REJECTED: Event.REJECTED}
_MOST_LETTERS = 2000


def judge(
    store: Store, job: str, ruling: Ruling, *, by: str, note: str = "", now_s: float
) -> Entry:
    """Write down what `by` says of the job's shot; the journal's entry is answered.

    Where this machine has the seal, the verdict is also signed and laid beside the deliverables.

    Raises:
        JobError: there is no such job, or it is not published.
        ConsentError: the consent it was rendered on no longer stands.
        UsageError: nobody's name is given, or the note is too long.
    """
    spec = read_spec(store, job)
    if spec is None:
        raise JobError(f"'{job}' is no job of {store.url}")
    manifest = read_manifest(store, job)
    if manifest is None:
        raise JobError(f"job {job} is not published yet; a shot is judged once it is there")
    if not by.strip():
        raise UsageError("nobody's name is given; say who judges the shot")
    if len(note) > _MOST_LETTERS:
        raise UsageError(f"the note has {len(note)} letters; {_MOST_LETTERS} can be kept")
    consents = covering_all(store, spec, Deed.PUBLISH, operator_trust(), now_s)
    shot = next((one.sha256 for one in manifest.deliverables if one.name.startswith("shot.")), "")
    for act, consent in zip(acts_of(spec, Deed.PUBLISH), consents, strict=True):
        fact = Fact(
            event=_EVENTS[ruling], by=by, subject=act.subject, consent=consent.id, job=job,
            production=act.production, shot=act.shot, use=act.use, checkpoint=act.checkpoint,
            frames=spec.plate.numbers(spec.frames), detail=f"{note} (shot {shot[:12]})".strip(),
        )  # fmt: skip
        append(store, fact, operator_trust(), at_s=now_s)
    why = f"{ruling}: {note}" if note else str(ruling)
    entry = Entry(state=JobState.PUBLISHED, at_s=now_s, by=by, why=why, ruling=ruling)
    Journal(store, job).append(entry)
    ask_to_tell(store, job)
    lay_verdict(store, manifest, entry)
    return entry


def latest_ruling(entries: Sequence[AuditEntry], job: str) -> AuditEntry | None:
    """The last verdict on the job in the log, or None."""
    rulings = [
        each for each in entries if each.fact.job == job and each.fact.event in _EVENTS.values()
    ]
    return rulings[-1] if rulings else None
