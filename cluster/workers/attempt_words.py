"""What an attempt said while it worked: its log lines and warnings, kept for whoever asks why.

It does not know where they are kept.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MOST_CHARACTERS = 1 << 20
# A thread's own, and that of the threads in which its stages overlap: they are begun with a copy.
_LISTENER: ContextVar[logging.Handler | None] = ContextVar("listener", default=None)


@contextmanager
def overheard() -> Iterator[io.StringIO]:
    """Collect all that this thread, and the stages it lets overlap, log within the block."""
    words = io.StringIO()
    listener = logging.StreamHandler(words)
    listener.setFormatter(logging.Formatter(_FORMAT))
    # Other threads, such as the controller's beside an inline worker, speak of other things; and
    # whoever has said very much has said enough.
    listener.addFilter(lambda _: _LISTENER.get() is listener and words.tell() < _MOST_CHARACTERS)
    root, before = logging.getLogger(), _LISTENER.set(listener)
    root.addHandler(listener)
    try:
        yield words
    finally:
        root.removeHandler(listener)
        _LISTENER.reset(before)
