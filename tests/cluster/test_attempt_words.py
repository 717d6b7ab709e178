"""An attempt's log has what was said for it, in whichever thread, and nothing else."""

import logging
import threading
from collections.abc import Iterator

from bodyswap.overlap import Overlap
from cluster.workers.attempt_words import overheard

_log = logging.getLogger(__name__)


def _frames() -> Iterator[int]:
    for number in range(3):
        _log.warning("frame %s is made", number)
        yield number


def test_stages_that_overlap_are_heard_and_other_threads_are_not() -> None:
    other = threading.Thread(target=lambda: _log.warning("of something else"))
    with overheard() as words:
        _log.warning("begun")
        with Overlap(frames=2).ahead(_frames()) as frames:
            assert len(list(frames)) == 3
        other.start()
        other.join()
    _log.warning("after it")
    said = [line.partition(": ")[2] for line in words.getvalue().splitlines()]
    assert said == ["begun", "frame 0 is made", "frame 1 is made", "frame 2 is made"]
