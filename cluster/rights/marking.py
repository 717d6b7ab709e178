"""Which mark a job's frames carry, and what a render shard's commit says of it.

It does not know how a mark is drawn. The key is the operator's: nothing in a job names it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bodyswap.errors import IntegrityError
from bodyswap.rights.mark import Mark, mark_of, read_key
from bodyswap.rights.trust import Trust, operator_trust
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec
from cluster.stores.record import from_json
from cluster.stores.store import Store

TRACES = "traces.json"
"""The file of a render shard's commit that holds its `FrameTraces`."""
MOST_PRINTS = 96


@dataclass(frozen=True, kw_only=True)
class FrameTraces:
    """What frames were marked with, empty where unmarked, and the prints of their key frames."""

    mark: str
    prints: tuple[str, ...]


def mark_for(spec: JobSpec) -> Mark | None:
    """What this machine marks the job's frames with; None where they are to stay unmarked.

    Raises:
        UsageError: the operator's key cannot be used.
    """
    if not spec.render_settings.watermark:
        return None
    return mark_of(spec.picture_id, watermark_key(operator_trust()))


def watermark_key(trust: Trust) -> bytes:
    """The farm's key, or the demo's. Raises UsageError."""
    return read_key(Path(trust.watermark_key) if trust.watermark_key else None)


def frame_traces(mark: Mark | None, prints: Sequence[str]) -> FrameTraces:
    """What a commit says."""
    return FrameTraces(mark=mark.name if mark else "", prints=tuple(prints))


def traces_of(store: Store, spec: JobSpec, rendered: Iterable[Commit]) -> FrameTraces:
    """What the whole shot carries; unmarked only where its settings say so.

    Shards that were rendered for another request carry that one's mark: then there are several.

    Raises:
        IntegrityError: a shard is not marked, or the workers hold different keys.
    """
    each = [_read(store, commit) for commit in rendered]
    marks = sorted({one.mark for one in each})
    if spec.render_settings.watermark and "" in marks:
        raise IntegrityError("a shard's frames carry no watermark; retry the job")
    if len({mark.partition("@")[2] for mark in marks}) > 1:
        raise IntegrityError(
            f"the shards carry watermarks under different keys, {', '.join(marks)}: give every"
            " worker the same rights.yaml, and retry the job"
        )
    prints = tuple(value for one in each for value in one.prints)
    step = -(-len(prints) // MOST_PRINTS) or 1
    return FrameTraces(mark=", ".join(marks), prints=prints[::step])


def _read(store: Store, commit: Commit) -> FrameTraces:
    if all(file.name != TRACES for file in commit.files):
        return FrameTraces(mark="", prints=())
    key = commit.file(TRACES).key
    data = store.get(key)
    if data is None:
        raise IntegrityError(f"'{key}' is gone from the store; retry the job")
    return from_json(data, FrameTraces, what=key)
