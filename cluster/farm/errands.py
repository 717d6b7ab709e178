"""What takes long for one job, done beside the farm's loop: a shot's sealing lasts minutes.

It does not know what an errand does. Whoever sends one may die while it is out, so it must be safe
to run again, and beside itself.
"""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from cluster.stores.asker import Asker

Errand = Callable[[Asker], None]
"""It asks the store with the asker that it is given, which is no other errand's."""

_MOST_OUT = 4
"""Errands at once: each may have a shot and its plate on the disk."""


class Errands:
    """Each job's errands, by name, a few at a time; with one request at once, run on the spot."""

    def __init__(self, requests_at_once: int = 1) -> None:
        at_once = min(_MOST_OUT, requests_at_once)
        self._requests_each = requests_at_once // at_once
        self._pool = ThreadPoolExecutor(at_once, "bodyswap-errand") if at_once > 1 else None
        self._out: dict[str, dict[str, Future[None]]] = defaultdict(dict)

    def is_out(self, job: str) -> bool:
        """True where what was sent for the job has not been asked after since it came back."""
        return bool(self._out.get(job))

    def is_done(self, job: str, name: str, errand: Errand) -> bool:
        """Send the job's errand, unless it is out, and tell whether it is back.

        Raises whatever went wrong with it; asked again, it is sent anew.
        """
        if self._pool is None:
            self._run(errand)
            return True
        out = self._out[job]
        if name not in out:
            out[name] = self._pool.submit(self._run, errand)
        if not out[name].done():
            return False
        out.pop(name).result()
        return True

    def forget(self, job: str) -> None:
        """Ask no more after what is out for the job: it comes to its end unheard."""
        self._out.pop(job, None)

    def close(self) -> None:
        """Send nothing more; what is out comes to its end."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _run(self, errand: Errand) -> None:
        with closing(Asker(self._requests_each)) as asker:
            errand(asker)
