from pathlib import Path

import pytest
from store_contract import StoreContract

from bodyswap.errors import StoreError, UsageError
from cluster.stores.local import LocalStore
from cluster.stores.opening import open_store


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "store")

    def test_a_write_cut_short_leaves_nothing(self, store: LocalStore, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot write 'a/file'"):
            store.put_file("a/file", tmp_path / "not there")
        assert store.list_keys("") == []
        assert list((tmp_path / "store/.incoming").iterdir()) == []

    def test_writes_under_way_are_not_listed(self, store: LocalStore, tmp_path: Path) -> None:
        store.put("a", b"x")
        (tmp_path / "store/.incoming/.half").write_bytes(b"half")
        assert store.list_keys("") == ["a"]

    def test_a_full_or_broken_folder_is_a_store_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(StoreError, match="cannot write 'a'"):
            LocalStore(tmp_path / "file").put("a", b"x")

    def test_a_folder_that_cannot_be_read_is_not_an_empty_one(
        self, store: LocalStore, tmp_path: Path
    ) -> None:
        store.put("audit/one", b"")
        loop = Path(store.url) / "names"
        loop.symlink_to(loop)
        with pytest.raises(StoreError, match=r"cannot list 'names/'.*check the store's folder"):
            store.list_keys("names/")
        assert store.list_keys("audit/") == ["audit/one"]
        assert store.list_keys("nothing/") == []


def test_a_store_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gs://bucket"):
        open_store("gs://bucket")


def test_a_folder_may_be_given_as_a_file_url_or_from_home(tmp_path: Path) -> None:
    open_store(f"file://{tmp_path}/s").put("a", b"x")
    assert open_store(str(tmp_path / "s")).get("a") == b"x"
    assert open_store("~/s").url == str(Path("~/s").expanduser())
