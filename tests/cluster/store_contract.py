"""What every store must do. A backend's tests subclass `StoreContract` and give it a `store`."""

import multiprocessing
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bodyswap.errors import StoreError
from cluster.stores.compose import Piece
from cluster.stores.opening import open_store
from cluster.stores.store import Store

WRITERS, PROCESSES, KEYS = 8, 4, 40


class StoreContract:
    def test_what_was_put_is_got_and_what_was_not_is_none(self, store: Store) -> None:
        store.put("a/b/c.json", b"one")
        store.put("a/b/c.json", b"two")
        assert store.get("a/b/c.json") == b"two"
        assert store.get("a/b/d.json") is None
        assert store.get("a/b") is None

    def test_a_key_that_is_taken_is_not_put_again(self, store: Store) -> None:
        assert store.put_if_absent("once", b"first")
        assert not store.put_if_absent("once", b"second")
        assert store.get("once") == b"first"

    def test_keys_are_listed_sorted_by_any_prefix(self, store: Store) -> None:
        for key in ("jobs/2/b", "jobs/10/a", "jobs/1/z", "queue/x", "jobs/1/a/deep"):
            store.put(key, b"")
        assert store.list_keys("jobs/1") == ["jobs/1/a/deep", "jobs/1/z", "jobs/10/a"]
        assert store.list_keys("jobs/1/") == ["jobs/1/a/deep", "jobs/1/z"]
        assert store.list_keys("nothing/") == []
        assert len(store.list_keys("")) == 5

    def test_head_tells_size_or_none(self, store: Store) -> None:
        store.put("sized", b"12345")
        facts = store.head("sized")
        assert facts is not None and facts.size_bytes == 5
        assert store.head("absent") is None

    def test_what_is_deleted_is_gone_and_deleting_again_is_no_error(self, store: Store) -> None:
        store.put("a/gone", b"x")
        store.delete("a/gone")
        store.delete("a/gone")
        assert store.get("a/gone") is None and store.list_keys("") == []
        assert store.put_if_absent("a/gone", b"back")

    def test_files_go_in_and_out_whole(self, store: Store, tmp_path: Path) -> None:
        data = bytes(range(256)) * 40_000
        (tmp_path / "in").write_bytes(data)
        store.put_file("big/file.bin", tmp_path / "in")
        store.fetch_file("big/file.bin", tmp_path / "new/folder/out")
        assert (tmp_path / "new/folder/out").read_bytes() == data
        assert [path.name for path in (tmp_path / "new/folder").iterdir()] == ["out"]

    def test_a_fetched_file_is_the_callers_own(self, store: Store, tmp_path: Path) -> None:
        store.put("mine", b"original")
        store.fetch_file("mine", tmp_path / "out")
        with (tmp_path / "out").open("r+b") as file:
            file.write(b"CHANGED!")
        assert store.get("mine") == b"original"

    def test_a_copy_lives_on_when_the_original_is_replaced_or_deleted(self, store: Store) -> None:
        store.put("original", b"one")
        store.put("copy", b"something older")
        store.copy("original", "copy")
        store.put("original", b"two")
        assert store.get("copy") == b"one"
        store.delete("original")
        assert store.get("copy") == b"one"

    def test_what_is_not_there_cannot_be_fetched_or_copied(
        self, store: Store, tmp_path: Path
    ) -> None:
        with pytest.raises(StoreError, match="'absent' is not in the store"):
            store.fetch_file("absent", tmp_path / "out")
        with pytest.raises(StoreError, match="'absent' is not in the store"):
            store.copy("absent", "present")
        assert not (tmp_path / "out").exists() and store.get("present") is None

    def test_a_part_of_an_object_is_read_without_the_rest(self, store: Store) -> None:
        store.put("ten", b"0123456789")
        assert store.read_range("ten", 2, 5) == b"234"
        assert store.read_range("ten", 8, 50) == b"89"
        assert store.read_range("ten", 8, 1 << 45) == b"89"
        assert store.read_range("ten", 10, 12) == b"" == store.read_range("ten", 3, 3)
        with pytest.raises(StoreError, match="'absent' is not in the store"):
            store.read_range("absent", 0, 1)

    def test_pieces_of_objects_become_one_object(self, store: Store) -> None:
        large, small = random_bytes(12 << 20), random_bytes(1000)
        store.put("large", large)
        store.put("small", small)
        moved_bytes = store.compose(
            "joined",
            [
                b"head",
                Piece(key="small", start=10, stop=900),
                Piece(key="large", start=100, stop=len(large)),
                Piece(key="small", start=0, stop=len(small)),
                Piece(key="large", start=0, stop=6 << 20),
                b"tail",
            ],
        )
        expected = b"head" + small[10:900] + large[100:] + small + large[: 6 << 20] + b"tail"
        assert store.get("joined") == expected
        assert moved_bytes <= len(expected)

    def test_small_pieces_alone_become_one_object_too(self, store: Store) -> None:
        store.put("small", b"0123456789")
        pieces = [Piece(key="small", start=start, stop=10) for start in (7, 8)]
        store.compose("joined", [b"", *pieces])
        assert store.get("joined") == b"78989"

    def test_what_is_composed_at_once_under_one_key_is_one_of_them_whole(
        self, store: Store
    ) -> None:
        sources = {name: random_bytes(11 << 20) for name in ("large", "other")}
        for name, data in sources.items():
            store.put(name, data)
        store.put("raced", b"first")
        wholes = [[Piece(key=name, start=0, stop=11 << 20)] for name in (*sources, *sources)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda whole: store.compose("raced", whole), wholes))
        assert store.get("raced") in sources.values()

    def test_a_piece_that_is_not_there_leaves_nothing(self, store: Store) -> None:
        store.put("short", b"12345")
        for piece in (Piece(key="short", start=0, stop=9), Piece(key="no", start=0, stop=9)):
            with pytest.raises(StoreError, match=f"'{piece.key}'"):
                store.compose("joined", [b"x", piece])
        assert store.get("joined") is None

    @pytest.mark.parametrize(
        "key", ["", "/etc/passwd", "../escape", "a/../../b", "a//b", ".incoming/x", "a b", "a/"]
    )
    def test_keys_that_could_escape_or_collide_are_refused(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError, match="is no key"):
            store.put(key, b"x")
        with pytest.raises(StoreError, match="is no key"):
            store.get(key)
        with pytest.raises(StoreError, match="begins no key"):
            store.list_keys("../")

    def test_it_is_opened_again_by_its_url(self, store: Store) -> None:
        store.put("kept", b"here")
        assert open_store(store.url).get("kept") == b"here"

    def test_of_many_racing_processes_exactly_one_wins_each_key(self, store: Store) -> None:
        context = multiprocessing.get_context("spawn")
        # The barrier holds every process back until all of them have started.
        barrier = context.Barrier(PROCESSES)
        writers = [range(first, WRITERS, PROCESSES) for first in range(PROCESSES)]
        with context.Pool(PROCESSES, initializer=barrier.wait) as pool:
            answers = pool.starmap(_race, [(store.url, some) for some in writers], 1)
        won = [key_and_writer for answer in answers for key_and_writer in answer]
        assert len(won) == len(dict(won)) == KEYS, "a key was won twice, or by nobody"
        for key, writer in won:
            assert store.get(key) == str(writer).encode()


def random_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _race(url: str, writers: range) -> list[tuple[str, int]]:
    store = open_store(url)
    with ThreadPoolExecutor(len(writers)) as threads:
        answers = threads.map(lambda writer: _write_all(store, writer), writers)
        return [key_and_writer for answer in answers for key_and_writer in answer]


def _write_all(store: Store, writer: int) -> list[tuple[str, int]]:
    keys = [f"race/{(number + writer) % KEYS:03d}" for number in range(KEYS)]
    return [(key, writer) for key in keys if store.put_if_absent(key, str(writer).encode())]
