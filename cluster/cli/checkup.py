"""What `doctor` asks of the farm's own parts: does the store commit, does Ray start?

It does not know one machine's checks; `bodyswap.doctor` has those.
"""

import importlib.metadata
import secrets

from bodyswap.errors import StoreError
from cluster.jobs.keys import DOCTOR
from cluster.stores.opening import open_store
from cluster.telling.sentence_parts import counted
from cluster.workers.ray_access import check_ray_access


def check_store(url: str) -> str:
    """Write, race and remove a small object. Raises StoreError where commits would not be safe."""
    store = open_store(url)
    key = f"{DOCTOR}{secrets.token_hex(8)}"
    try:
        if not store.put_if_absent(key, b"first") or store.put_if_absent(key, b"second"):
            raise StoreError(f"{store.url} has no conditional writes; commits would not be safe")
        if store.get(key) != b"first":
            raise StoreError(f"{store.url} lost an object just written")
    finally:
        store.delete(key)
    return f"{store.url} holds conditional writes"


def check_webhooks(url: str) -> str:
    """Whether the operator's webhook settings hold, and what could not be told."""
    from cluster.notices.outbox import Outbox
    from cluster.notices.settings import load_webhooks

    settings = load_webhooks()
    if settings is None:
        return "nobody is told of jobs; $BODYSWAP_WEBHOOKS names no settings"
    dead = Outbox(open_store(url)).dead()
    told = f"{counted(len(settings.endpoints), 'endpoint')} for changes of jobs"
    if dead:
        last = dead[-1]
        given_up = counted(len(dead), "message")
        told += f"; {given_up} given up, the last to {last.url}: {last.answer}"
    return told


def check_ray() -> str:
    """The installed Ray; raises ImportError where it does not load, UsageError where it is open."""
    import cluster.workers.on_ray  # noqa: F401 - loading it is the check

    return f"ray {importlib.metadata.version('ray')}; {check_ray_access(None)}"
