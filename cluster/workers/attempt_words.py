"""What an attempt said while it worked: its log lines and warnings, kept for whoever asks why.

It does not know where they are kept.
"""

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MOST_CHARACTERS = 1 << 20


@contextmanager
def overheard() -> Iterator[io.StringIO]:
    """Collect all that this thread logs within the block."""
    words = io.StringIO()
    listener = logging.StreamHandler(words)
    listener.setFormatter(logging.Formatter(_FORMAT))
    speaker = threading.get_ident()
    # Other threads, such as the controller's beside an inline worker, speak of other things; and
    # whoever has said very much has said enough.
    listener.addFilter(lambda record: record.thread == speaker and words.tell() < _MOST_CHARACTERS)
    root = logging.getLogger()
    root.addHandler(listener)
    try:
        yield words
    finally:
        root.removeHandler(listener)
