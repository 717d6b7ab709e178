"""A store that stumbles: slow, overloaded, cut off, killed. No shard is lost, none done twice."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from faulty_proxy import Fault, Wire, run_proxy
from real_servers import S3Server, run_s3_server
from tiny_farm import TinyFarm
from tiny_pipeline import expected_shot

from bodyswap.errors import StoreError
from bodyswap.timing import FrameRange
from cluster.jobs.commit import Commit, Outcome, put_commit, read_commit, store_file
from cluster.jobs.job import JobState, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.jobs.progress import JobStatus
from cluster.stores.compose import Piece
from cluster.stores.opening import open_store
from cluster.stores.store import Store

SHARD = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=4))


@pytest.fixture
def wire(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """What goes between the stores of this test and the server."""
    with run_proxy(os.environ["AWS_ENDPOINT_URL_S3"]) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
        yield wire


@pytest.fixture
def store(s3_server: str, wire: Wire) -> Store:
    return open_store(f"{s3_server}/{uuid.uuid4().hex}/store")


def _commit(store: Store, worker: str, folder: Path) -> Outcome:
    lease = Lease(job="job", shard=SHARD, epoch=1, worker=worker)
    path = folder / worker / "segment.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_text(worker)
    file = store_file(store, lease, path)
    return put_commit(store, Commit(lease=lease, files=(file,), frame_count=4))


TROUBLES = {
    "500 twice": [Fault(kind="500", method="PUT", times=2)],
    "slow down": [Fault(kind="503", code="SlowDown", times=1)],
    "cut before it was heard": [Fault(kind="drop request", method="PUT", times=2)],
    "half an answer": [Fault(kind="half answer", method="GET", times=1)],
    "slow": [Fault(kind="slow", wait_s=0.3, times=3)],
    "done, and the answer lost": [
        Fault(kind="drop answer", method="PUT", part="commit.json", times=1)
    ],
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_commit_through_trouble_is_won_once_and_says_so(
    store: Store, wire: Wire, tmp_path: Path, name: str
) -> None:
    wire.faults += [Fault(**vars(fault)) for fault in TROUBLES[name]]
    assert _commit(store, "first", tmp_path) is Outcome.WON
    assert _commit(store, "second", tmp_path) is Outcome.LOST
    standing = read_commit(store, "job", SHARD)
    assert standing is not None and standing.lease.worker == "first"
    assert store.get(standing.files[0].key) == b"first"
    assert not [key for key in store.list_keys("jobs/") if "second" in key]
    assert not any(fault.times for fault in wire.faults), "the trouble was not met"


def test_of_four_racing_through_lost_answers_exactly_one_wins(
    store: Store, wire: Wire, tmp_path: Path
) -> None:
    wire.faults.append(Fault(kind="drop answer", method="PUT", part="commit.json", times=4))
    workers = [f"worker-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda worker: _commit(store, worker, tmp_path), workers))
    standing = read_commit(store, "job", SHARD)
    assert standing is not None
    winners = [w for w, outcome in zip(workers, outcomes, strict=True) if outcome is Outcome.WON]
    assert winners == [standing.lease.worker]
    assert store.get(standing.files[0].key) == winners[0].encode()


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId"])
def test_expired_credentials_are_a_store_error_and_nothing_is_half_done(
    store: Store, wire: Wire, tmp_path: Path, code: str
) -> None:
    expired = Fault(kind="403", code=code, times=1000)
    wire.faults.append(expired)
    with pytest.raises(StoreError, match=code):
        _commit(store, "first", tmp_path)
    expired.times = 0
    assert read_commit(store, "job", SHARD) is None
    assert _commit(store, "first", tmp_path) is Outcome.WON


def test_composing_through_trouble_gives_the_object_or_nothing(store: Store, wire: Wire) -> None:
    data = os.urandom(11 << 20)
    store.put("large", data)
    pieces = [b"head", Piece(key="large", start=0, stop=len(data))]
    wire.faults += [
        Fault(kind="503", code="SlowDown", method="PUT", part="partNumber", times=2),
        Fault(kind="drop answer", method="POST", part="uploadId", times=1),
    ]
    try:
        store.compose("joined", pieces)
    except StoreError:
        # The completion was done and its answer lost: trying it again finds no such upload.
        store.compose("joined", pieces)
    assert store.get("joined") == b"head" + data
    wire.faults[:] = [Fault(kind="500", method="PUT", part="partNumber", times=1000)]
    with pytest.raises(StoreError, match="compose 'never'"):
        store.compose("never", pieces)
    wire.faults.clear()
    assert store.get("never") is None


def test_a_job_goes_through_all_of_it_to_the_same_shot(
    store: Store, wire: Wire, tmp_path: Path
) -> None:
    wire.faults += [
        Fault(kind="500", method="PUT", part="commit.json", times=1),
        Fault(kind="drop answer", method="PUT", part="commit.json", times=2),
        Fault(kind="503", code="SlowDown", method="GET", times=1),
        Fault(kind="drop answer", method="PUT", part="journal", times=1),
        Fault(kind="half answer", method="GET", part="segment", times=1),
    ]
    farm = TinyFarm(folder=tmp_path, store=store)
    request = farm.request()
    job = farm.client.submit(request)
    assert farm.run_inline(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=40))
    commits = [key for key in store.list_keys(f"jobs/{job}/render/") if "commit.json" in key]
    assert len(commits) == 4


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_s3_server(tmp_path_factory.mktemp("weed-own")) as server:
        yield server


def test_a_server_killed_while_a_job_and_others_commit_loses_and_doubles_nothing(
    own_server: S3Server, tmp_path: Path
) -> None:
    store = open_store(f"{own_server.url}/{uuid.uuid4().hex}/store")
    farm = TinyFarm(folder=tmp_path, store=store)
    request = farm.request(frame_count=20, shards=2)
    job = farm.client.submit(request)
    killed = threading.Event()

    def kill_once(status: JobStatus) -> None:
        if status.state is JobState.RENDERING and not killed.is_set():
            killed.set()
            own_server.kill()
            own_server.start()

    with _racing(store) as told:
        _run_whatever_comes(farm, job, kill_once)
    assert killed.is_set() and len(told) > 2
    for key, workers in told.items():
        assert [store.get(key)] == [worker.encode() for worker in workers]
    assert farm.client.status(job).state is JobState.PUBLISHED
    assert farm.fetched_shot(job) == expected_shot(request.plate, FrameRange(start=0, stop=20))
    commits = [key for key in store.list_keys(f"jobs/{job}/render/") if "commit.json" in key]
    assert len(commits) == 2


@contextmanager
def _racing(store: Store) -> Iterator[dict[str, list[str]]]:
    """Two who commit the same keys while the block runs; who was told to have won each."""
    told: dict[str, list[str]] = {}
    is_over = threading.Event()

    def write(worker: str) -> None:
        for number in range(10_000):
            if is_over.wait(0.02):
                return
            key = f"race/{number:05d}"
            with suppress(StoreError):
                if store.put_if_absent(key, worker.encode()):
                    told.setdefault(key, []).append(worker)

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _run_whatever_comes(farm: TinyFarm, job: str, on_status: Callable[[JobStatus], None]) -> None:
    """As a supervised controller does: it starts again after the store failed it."""
    for _ in range(20):
        with suppress(StoreError):
            farm.run_inline(job, on_status)
            return
        time.sleep(1)
    pytest.fail("the job did not end")
