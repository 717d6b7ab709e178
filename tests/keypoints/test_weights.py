from pathlib import Path

import pytest

from bodyswap.errors import IntegrityError, ModelError
from bodyswap.keypoints.weights import file_sha256, find_weights

OFFICIAL = "https://download.example/rtmpose-m_simcc-coco_420e-256x192-d8dd5ca4_20230127.pth"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.safetensors"
    path.write_bytes(b"weights")
    return path


def test_a_path_is_read_from_the_folder_of_its_yaml(original: Path) -> None:
    found = find_weights("original.safetensors", sha256=None, folder=original.parent)
    assert found == original


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pth are not there"):
        find_weights("none.pth", sha256=None, folder=tmp_path)


def test_a_file_with_another_hash_is_refused(original: Path) -> None:
    with pytest.raises(IntegrityError, match="have sha256"):
        find_weights(str(original), sha256="0" * 64, folder=original.parent)


def test_a_url_is_fetched_once_and_kept_under_its_hash(original: Path, tmp_path: Path) -> None:
    digest, cache = file_sha256(original), tmp_path / "cache"
    first = find_weights(original.as_uri(), sha256=digest, folder=tmp_path, cache=cache)
    original.unlink()
    again = find_weights(original.as_uri(), sha256=digest, folder=tmp_path, cache=cache)
    assert first == again == cache / digest / "original.safetensors"
    assert first.read_bytes() == b"weights"


def test_a_url_of_the_store_goes_through_the_fetcher_given(original: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(url: str, path: Path) -> None:
        asked.append(url)
        path.write_bytes(original.read_bytes())

    found = find_weights(
        "s3://bucket/models/pose.pth",
        sha256=file_sha256(original),
        folder=tmp_path,
        fetch=fetch,
        cache=tmp_path / "cache",
    )
    assert found.read_bytes() == b"weights" and asked == ["s3://bucket/models/pose.pth"]


def test_what_a_url_sends_is_refused_and_not_kept_where_its_hash_differs(
    original: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(IntegrityError, match="damaged or was replaced"):
        find_weights(original.as_uri(), sha256="1" * 64, folder=tmp_path, cache=cache)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_url_without_a_hash_is_refused_with_what_its_name_tells(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"begins with d8dd5ca4.*write sha256:"):
        find_weights(OFFICIAL, sha256=None, folder=tmp_path)


def test_a_url_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    nowhere = (tmp_path / "gone.pth").as_uri()
    with pytest.raises(ModelError, match="cannot be fetched"):
        find_weights(nowhere, sha256="2" * 64, folder=tmp_path, cache=tmp_path / "cache")
