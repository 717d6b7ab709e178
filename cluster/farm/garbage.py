"""What lies in the store and is nobody's: lost attempts' data, and uploads never finished.

It does not know what the data is. Nothing that a commit names is ever garbage, nor is anything of a
shard that is not committed, since its attempts may yet win; nor are logs, which `logs` shows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bodyswap.errors import StoreError
from cluster.jobs.commit import Commit
from cluster.jobs.keys import JOBS
from cluster.stores.record import from_json
from cluster.stores.store import Store

LOST_ATTEMPT, UNFINISHED_UPLOAD = "lost attempt", "unfinished upload"
_COMMIT, _LOG = "commit.json", "log.txt"
_SHARD_PARTS = 4  # jobs/<job>/<stage>/<shard>/


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """One object, or one upload, that may go. `upload` is the server's id of an upload."""

    kind: str
    key: str
    upload: str = ""


def find_garbage(store: Store, *, older_than_s: float, now_s: float) -> list[Garbage]:
    """All of it. Uploads are garbage only once they are older; lost attempts are at once."""
    lost = [Garbage(kind=LOST_ATTEMPT, key=key) for key in _lost(store, store.list_keys(JOBS))]
    return [*lost, *_unfinished(store, now_s - older_than_s)]


def remove_garbage(store: Store, found: Iterable[Garbage]) -> None:
    """Remove what was found. Safe to repeat."""
    for each in found:
        if each.kind == LOST_ATTEMPT:
            store.delete(each.key)
        elif store.url.startswith("s3://"):
            from cluster.stores.uploads import abort_upload

            abort_upload(store.url, each.key, each.upload)
        else:
            (Path(store.url) / each.key).unlink(missing_ok=True)


def _lost(store: Store, keys: list[str]) -> Iterator[str]:
    shards: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        parts = key.split("/")
        if len(parts) > _SHARD_PARTS:
            shards["/".join(parts[:_SHARD_PARTS])].append(key)
    for shard, inside in shards.items():
        commit = f"{shard}/{_COMMIT}"
        if commit not in inside:
            continue
        named = {
            file.key for file in from_json(store.get(commit) or b"", Commit, what=commit).files
        }
        for key in inside:
            is_attempts = key.count("/") > _SHARD_PARTS and not key.endswith(f"/{_LOG}")
            if is_attempts and key not in named:
                yield key


def _unfinished(store: Store, before_s: float) -> list[Garbage]:
    if store.url.startswith("s3://"):
        # boto3 is heavy, and a farm on folders needs none.
        from cluster.stores.uploads import uploads_before

        before = datetime.fromtimestamp(before_s, UTC)
        return [
            Garbage(kind=UNFINISHED_UPLOAD, key=key, upload=upload)
            for key, upload in uploads_before(store.url, before)
        ]
    from cluster.stores.local import INCOMING

    folder = Path(store.url) / INCOMING
    try:
        stale = [path for path in folder.glob("*") if path.stat().st_mtime < before_s]
    except OSError as error:
        raise StoreError(f"cannot look into '{folder}': {error.strerror}") from error
    return [
        Garbage(kind=UNFINISHED_UPLOAD, key=f"{INCOMING}/{path.name}") for path in sorted(stale)
    ]
