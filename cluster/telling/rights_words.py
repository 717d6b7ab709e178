"""Consents and the audit log in words that the person they are about can read.

Pure: it does not know where either comes from.
"""

from datetime import UTC, datetime

from bodyswap.rights.consent import ConsentRecord


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


def day(time_s: float) -> str:
    """Seconds since 1970 as date and minute, UTC; any number at all."""
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return f"second {time_s:.0f}"


def _listed(values: tuple[str, ...]) -> str:
    if "*" in values:
        return "any"
    return ", ".join(values) or "none"
