import threading
from pathlib import Path

import pytest

from bodyswap.errors import IntegrityError
from bodyswap.timing import FrameRange
from cluster.delivering.assemble import checked_order
from cluster.jobs.commit import Commit, Outcome, grant, put_commit, read_commit, store_file
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.stores.local import LocalStore

SHARD = Shard(stage=Stage.RENDER, index=2, frames=FrameRange(start=20, stop=30))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def _attempt(store: LocalStore, folder: Path, worker: str) -> Commit:
    lease = grant(store, job="j", shard=SHARD, epoch=1, worker=worker)
    folder = folder / worker
    folder.mkdir()
    (folder / "segment.mp4").write_text(f"by {worker}")
    file = store_file(store, lease, folder / "segment.mp4")
    return Commit(lease=lease, files=(file,), frame_count=10, first_pts=20, last_pts=29)


def test_epochs_are_never_given_twice(store: LocalStore) -> None:
    leases: list[Lease] = []

    def take(worker: int) -> None:
        leases.append(grant(store, job="j", shard=SHARD, epoch=1, worker=f"w{worker}"))

    threads = [threading.Thread(target=take, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lease.epoch for lease in leases) == list(range(1, 9))
    assert len({lease.attempt for lease in leases}) == 8


def test_the_first_commit_stands_and_the_losers_data_is_removed(
    store: LocalStore, tmp_path: Path
) -> None:
    first, second = _attempt(store, tmp_path, "a"), _attempt(store, tmp_path, "b")
    assert put_commit(store, first) is Outcome.WON
    assert put_commit(store, second) is Outcome.LOST
    assert read_commit(store, "j", SHARD) == first
    assert store.get(first.files[0].key) == b"by a"
    assert store.get(second.files[0].key) is None


def test_a_commit_repeated_after_a_lost_answer_has_won(store: LocalStore, tmp_path: Path) -> None:
    commit = _attempt(store, tmp_path, "a")
    assert put_commit(store, commit) is Outcome.WON
    assert put_commit(store, commit) is Outcome.WON
    assert store.get(commit.files[0].key) == b"by a"


def test_of_many_attempts_at_once_one_stands_with_all_of_its_data(
    store: LocalStore, tmp_path: Path
) -> None:
    attempts = [_attempt(store, tmp_path, f"w{number}") for number in range(8)]
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda commit=commit: outcomes.append(put_commit(store, commit)))
        for commit in attempts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.LOST] * 7 + [Outcome.WON]
    standing = read_commit(store, "j", SHARD)
    assert standing is not None and store.get(standing.files[0].key) is not None
    data = [key for key in store.list_keys("jobs/j/") if key.endswith("segment.mp4")]
    assert data == [standing.files[0].key]


def test_a_damaged_commit_is_an_integrity_error(store: LocalStore) -> None:
    store.put("jobs/j/render/00002/commit.json", b'{"lease": 3}')
    with pytest.raises(IntegrityError, match=r"commit.json is damaged"):
        read_commit(store, "j", SHARD)


def _rendered(index: int, start: int, stop: int, *, count: int | None = None) -> Commit:
    shard = Shard(stage=Stage.RENDER, index=index, frames=FrameRange(start=start, stop=stop))
    return Commit(
        lease=Lease(job="j", shard=shard, epoch=1, worker="w"),
        files=(),
        frame_count=stop - start if count is None else count,
        first_pts=start * 512,
        last_pts=(stop - 1) * 512,
    )


WHOLE = FrameRange(start=4, stop=12)


def test_segments_are_joined_in_the_order_of_their_frames() -> None:
    parts = [_rendered(1, 7, 9), _rendered(2, 9, 12), _rendered(0, 4, 7)]
    ordered = checked_order(parts, WHOLE)
    assert [commit.lease.shard.index for commit in ordered] == [0, 1, 2]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [_rendered(0, 4, 7), _rendered(1, 8, 12)],
        [_rendered(0, 4, 8), _rendered(1, 7, 12)],
        [_rendered(0, 4, 7), _rendered(1, 7, 11)],
        [_rendered(0, 5, 7), _rendered(1, 7, 12)],
        [_rendered(0, 4, 7), _rendered(1, 7, 12), _rendered(2, 7, 12)],
        [_rendered(0, 4, 7, count=2), _rendered(1, 7, 12)],
    ],
)
def test_missing_overlapping_or_short_segments_are_never_joined(parts: list[Commit]) -> None:
    with pytest.raises(IntegrityError):
        checked_order(parts, WHOLE)
