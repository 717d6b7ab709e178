"""Consents and the audit log in words that the person they are about can read.

Pure: it does not know where either comes from.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from bodyswap.rights.audit import AuditEntry, Event
from bodyswap.rights.consent import ConsentRecord
from bodyswap.rights.permit import Deed


def consent_lines(record: ConsentRecord) -> list[str]:
    """Everything a record says, a line each."""
    terms = record.terms
    lists = {
        "productions": terms.productions,
        "shots": terms.shots,
        "uses": terms.uses,
        "territories": terms.territories,
        "media": terms.media,
        "footage": terms.footage,
        "checkpoints": terms.checkpoints,
    }
    return [
        f"{record.id}  subject {terms.subject}{', synthetic' if record.is_synthetic else ''}",
        *(f"signed by    {one.name} as {one.capacity}, {one.key}" for one in terms.signers),
        *(f"{name:<13}{_listed(values)}" for name, values in lists.items()),
        f"training     {'allowed' if terms.training else 'not allowed'}",
        f"valid        {day(terms.not_before)} to {day(terms.expires)}",
        f"delete by    {day(terms.delete_by)}",
        f"contact      {terms.contact}",
    ]


def usage_report(subject: str, entries: Iterable[AuditEntry]) -> list[str]:
    """What was done with a person, and what was refused, for them to read."""
    own = [entry for entry in entries if entry.fact.subject == subject]
    if not own:
        return [f"Nothing was done with {subject}."]
    return [
        f"What was done with {subject}, {day(own[0].at)} to {day(own[-1].at)}",
        "",
        *_jobs(own),
        *_trainings(own),
        *_papers(own),
        *_refusals(own),
    ]


def day(time_s: float) -> str:
    """Seconds since 1970 as date and minute, UTC; any number at all."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return f"second {time_s:.0f}"


def _jobs(entries: list[AuditEntry]) -> list[str]:
    jobs: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        if entry.fact.job and entry.fact.event is Event.PERMITTED:
            jobs[entry.fact.job].append(entry)
    lines = []
    for job, held in jobs.items():
        fact, deeds = held[0].fact, [entry.fact.deed for entry in held]
        shards = {entry.fact.frames for entry in held if entry.fact.deed == Deed.RENDER}
        published = [entry.fact for entry in held if entry.fact.deed == Deed.PUBLISH]
        lines += [
            f"Shot {fact.shot} of {fact.production}, for {fact.use}",
            f"  asked for on {day(held[0].at)} by {fact.by or 'unknown'}, job {job}",
            f"  on the word of {', '.join(sorted({entry.fact.consent for entry in held}))}",
            f"  {len(shards)} shards of work; "
            + (f"released, frames {published[-1].frames}" if published else "never released"),
            f"  fetched {deeds.count(Deed.DOWNLOAD)} times",
            "",
        ]
    return lines


def _trainings(entries: list[AuditEntry]) -> list[str]:
    return [
        f"Trained a model on {day(entry.at)} by {entry.fact.by}: {entry.fact.detail}"
        for entry in entries
        if entry.fact.deed == Deed.TRAIN and entry.fact.event is Event.PERMITTED
    ]


def _papers(entries: list[AuditEntry]) -> list[str]:
    told = (Event.CONSENT_STORED, Event.REVOKED, Event.QUARANTINED, Event.APPROVED, Event.REJECTED)
    return [
        f"{day(entry.at)}  {entry.fact.event} {entry.fact.consent} {entry.fact.detail}".rstrip()
        for entry in entries
        if entry.fact.event in told
    ]


def _refusals(entries: list[AuditEntry]) -> list[str]:
    refused = [entry for entry in entries if entry.fact.event is Event.REFUSED]
    if not refused:
        return ["Nothing was refused."]
    return [
        f"Refused {len(refused)} times:",
        *(f"  {day(entry.at)}  {entry.fact.deed}: {entry.fact.detail}" for entry in refused),
    ]


def _listed(values: tuple[str, ...]) -> str:
    if "*" in values:
        return "any"
    return ", ".join(values) or "none"
