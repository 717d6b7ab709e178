"""What was done with a person's likeness, in words that they can read, and what they can do.

Pure: it does not know where the log and the consents come from.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from bodyswap.rights.audit import AuditEntry, Event
from bodyswap.rights.consent import ConsentRecord
from bodyswap.rights.permit import Deed
from cluster.telling.rights_words import day
from cluster.telling.sentence_parts import counted

_NUMBERS = re.compile(r"(\d+)-(\d+)$")
_NOT_SIGNED = "unsigned"
_PAPERS = {
    Event.CONSENT_STORED: "Consent {consent} was handed in",
    Event.REVOKED: "Consent {consent} was taken back: {detail}",
    Event.QUARANTINED: "Put away, so that nobody can use it: {detail}",
}


def usage_report(
    subject: str,
    entries: Iterable[AuditEntry],
    consents: Sequence[ConsentRecord] = (),
    rates: Mapping[str, Fraction] | None = None,
) -> list[str]:
    """Who used the likeness, for what, when, on whose word, where it went; then what to do.

    `rates` are jobs' frames a second, where they are known.
    """
    own = [entry for entry in entries if entry.fact.subject == subject]
    rates = rates or {}
    lines = [f"What was done with the likeness of {subject}"]
    if own:
        lines += [f"from {day(own[0].at)} to {day(own[-1].at)}, by this farm's log", ""]
        lines += [*_in_short(own, rates), "", *_shots(own, rates), *_trainings(own), *_papers(own)]
        lines += _refusals(own)
    else:
        lines += ["", f"Nothing was done with {subject}, and nothing was refused."]
    taken_back = {entry.fact.consent for entry in own if entry.fact.event is Event.REVOKED}
    return [*lines, "", *_what_to_do(consents, taken_back)]


def _in_short(entries: list[AuditEntry], rates: Mapping[str, Fraction]) -> list[str]:
    by_job = _by_job(entries)
    released = {job: each[-1] for job, held in by_job.items() if (each := _released(held))}
    frames = sum(_count(entry.fact.frames) for entry in released.values())
    told = [f"{counted(len(by_job), 'shot')} of you asked for, {len(released)} released"]
    if released:
        seconds = [_seconds(entry.fact.frames, rates.get(job)) for job, entry in released.items()]
        length = "" if None in seconds else f", {float(sum(each or 0 for each in seconds)):.2f} s"
        told.append(f"in these you are seen in at most {counted(frames, 'frame')}{length}")
    return [f"In short: {'; '.join(told)}."]


def _shots(entries: list[AuditEntry], rates: Mapping[str, Fraction]) -> list[str]:
    lines = []
    for job, held in _by_job(entries).items():
        first = held[0].fact
        who = sorted({each.fact.by for each in held if each.fact.deed == Deed.SUBMIT} - {""})
        lines += [
            f"Shot {first.shot} of the production {first.production}, for use as {first.use}",
            f"  asked for on {day(held[0].at)} by {', '.join(who) or 'somebody'}, job {job}",
            f"  allowed by {', '.join(sorted({e.fact.consent for e in held if e.fact.consent}))}",
            *_release(held, rates.get(job)),
            *_went_out(held),
            *(
                f"  {each.fact.event} on {day(each.at)} by {each.fact.by}"
                for each in held
                if each.fact.event in (Event.APPROVED, Event.REJECTED)
            ),
            "",
        ]
    return lines


def _release(held: list[AuditEntry], rate: Fraction | None) -> list[str]:
    released = _released(held)
    if not released:
        worked = any(entry.fact.deed == Deed.RENDER for entry in held)
        return ["  not released; " + ("work on it was begun" if worked else "nothing was rendered")]
    last = released[-1]
    fact, seconds = last.fact, _seconds(last.fact.frames, rate)
    length = "" if seconds is None else f", {float(seconds):.2f} s"
    mark = "every frame carries an invisible mark" if fact.watermark else "its frames are unmarked"
    signed = fact.event is Event.PUBLISHED and not fact.detail.startswith(_NOT_SIGNED)
    seal = "its files are signed" if signed else "its files are not signed"
    count = counted(_count(fact.frames), "frame")
    return [
        f"  released on {day(last.at)}: frames {fact.frames}, {count}{length}",
        f"  {mark}; {seal}",
    ]


def _went_out(held: list[AuditEntry]) -> list[str]:
    out = [entry for entry in held if entry.fact.deed == Deed.DOWNLOAD]
    if not out:
        return ["  nobody has taken it out of the farm or looked at it"]
    lines = [
        f"    {day(each.at)}  {each.fact.by}  {each.fact.detail or 'to a place not written down'}"
        for each in out
    ]
    return ["  taken out or looked at:", *lines]


def _trainings(entries: list[AuditEntry]) -> list[str]:
    told = [
        f"  {day(entry.at)}  by {entry.fact.by}, allowed by {entry.fact.consent}"
        f" {entry.fact.detail}".rstrip()
        for entry in entries
        if entry.fact.deed == Deed.TRAIN and entry.fact.event is Event.PERMITTED
    ]
    return ["Models were trained on footage of you:", *told, ""] if told else []


def _papers(entries: list[AuditEntry]) -> list[str]:
    told = [
        f"  {day(entry.at)}  "
        + _PAPERS[entry.fact.event].format(consent=entry.fact.consent, detail=entry.fact.detail)
        for entry in entries
        if entry.fact.event in _PAPERS
    ]
    return ["Consents:", *told, ""] if told else []


def _refusals(entries: list[AuditEntry]) -> list[str]:
    refused = [entry for entry in entries if entry.fact.event is Event.REFUSED]
    if not refused:
        return ["Nobody was refused."]
    return [
        f"Refused {counted(len(refused), 'time')}, so that nothing came of it:",
        *(
            f"  {day(entry.at)}  {entry.fact.by or 'somebody unnamed'} wanted to"
            f" {entry.fact.deed}: {entry.fact.detail}"
            for entry in refused
        ),
    ]


def _what_to_do(consents: Sequence[ConsentRecord], taken_back: set[str]) -> list[str]:
    standing = [_how_to_end(record, record.id in taken_back) for record in consents]
    return [
        "What you can do",
        *(["  Consents known for you:", *(f"  {line}" for line in standing)] if standing else
          ["  No consent for you lies here, so nobody can render or train you here now."]),
        "  Read one: `bodyswap consent show ID`. Once it is taken back, work that goes on stops",
        "  within a minute, and the model and all that was rendered are put away. What had been",
        "  taken out before, as listed above, does not come back by that: ask those who took it.",
        "  Ask of any film whether it shows you by this farm: `bodyswap verify FILE`.",
        "  See that nobody changed this log: `bodyswap audit verify`.",
    ]  # fmt: skip


def _how_to_end(record: ConsentRecord, is_taken_back: bool) -> str:
    if is_taken_back:
        return f"{record.id}, which was taken back"
    if record.is_synthetic:
        return f"{record.id}, of a performer who was drawn: there is nobody to take it back"
    return (
        f"{record.id} until {day(record.terms.expires)}; to take it back, write to"
        f" {record.terms.contact}"
    )


def _by_job(entries: list[AuditEntry]) -> dict[str, list[AuditEntry]]:
    jobs: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        if entry.fact.job and entry.fact.event is not Event.REFUSED:
            jobs[entry.fact.job].append(entry)
    return {job: held for job, held in jobs.items() if any(e.fact.shot for e in held)}


def _released(held: list[AuditEntry]) -> list[AuditEntry]:
    """The releases; of a log of before they were written down, who passed that door."""
    published = [entry for entry in held if entry.fact.event is Event.PUBLISHED]
    return published or [
        entry
        for entry in held
        if entry.fact.event is Event.PERMITTED and entry.fact.deed == Deed.PUBLISH
    ]


def _count(frames: str) -> int:
    match = _NUMBERS.search(frames)
    return int(match[2]) - int(match[1]) + 1 if match else 0


def _seconds(frames: str, rate: Fraction | None) -> Fraction | None:
    return None if rate is None else _count(frames) / rate
