"""What somebody may have meant by a word that is not known. It does not know what words are for."""

import difflib
from collections.abc import Iterable


def near_miss(word: str, known: Iterable[str], *, before: str = "") -> str:
    """Asks "did you mean 'x'?" with the nearest of the known words, or "" where none is near.

    `before` is put before the word in the answer, as the part of a key that is right. Capitals
    are no difference.
    """
    lowered = {each.lower(): each for each in sorted(known)}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    return f"did you mean '{before}{lowered[close[0]]}'?" if close else ""
