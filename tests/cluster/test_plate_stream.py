"""Large plates are read where they lie, small ones fetched, and both give the same frames."""

from pathlib import Path

import numpy as np
import pytest

from bodyswap.decode import decode
from bodyswap.environment import stream_over_bytes
from bodyswap.errors import IntegrityError, UsageError
from bodyswap.media.index import index_clip, index_from_bytes
from bodyswap.media.streamed import StreamedPath
from bodyswap.timing import FrameRange
from cluster.jobs.keys import plate_file, plate_record
from cluster.jobs.plate_stream import PlateRecord, keep_record
from cluster.jobs.refs import PlateRef
from cluster.stores.opening import open_store
from cluster.stores.record import file_hash, from_json
from cluster.stores.store import Store
from cluster.workers.scratch import Scratch
from tests.media.clips import pictures, write_clip

SOME = FrameRange(start=40, stop=52)


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    return write_clip(
        tmp_path / "plate.mov", pictures(90, width=160, height=120),
        encoder="prores_ks", pixel_format="yuv422p10le", sound="pcm_s16le",
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def _stored(store: Store, plate: Path) -> PlateRef:
    ref = PlateRef(sha256=file_hash(plate), name="plate.mov", frame_count=90)
    store.put_file(plate_file(ref), plate)
    return ref


def _record(store: Store, ref: PlateRef) -> PlateRecord:
    return from_json(store.get(plate_record(ref)) or b"", PlateRecord, what="record")


def _pictures(path: Path) -> np.ndarray:
    clip = index_clip(path)
    return np.concatenate([batch.rgb_NHW3 for batch in decode(clip, SOME)])


def test_only_plates_beyond_the_size_are_streamed_and_frames_are_the_same(
    store: Store, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = _stored(store, plate)
    fetched = Scratch(store, tmp_path / "one").plate(ref)
    assert not isinstance(fetched, StreamedPath) and fetched.is_file()
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")
    scratch = Scratch(store, tmp_path / "two")
    streamed = scratch.plate(ref)
    assert isinstance(streamed, StreamedPath) and scratch.plate(ref) is streamed
    assert not (tmp_path / "two").exists()
    np.testing.assert_array_equal(_pictures(streamed), _pictures(fetched))


def test_the_first_to_stream_a_plate_keeps_what_the_others_need(
    store: Store, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")
    ref = _stored(store, plate)
    Scratch(store, tmp_path).plate(ref)
    by_worker = _record(store, ref)
    store.delete(plate_record(ref))
    keep_record(store, ref, plate)
    by_submitter = _record(store, ref)
    assert by_worker.blocks == by_submitter.blocks
    assert index_from_bytes(by_worker.index.encode()).timeline == index_clip(plate).timeline


def test_what_is_damaged_in_the_store_is_refused_with_and_without_a_record(
    store: Store, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")
    ref = _stored(store, plate)
    data = bytearray(plate.read_bytes())
    data[len(data) // 2] ^= 1
    store.put(plate_file(ref), bytes(data))
    with pytest.raises(IntegrityError, match="damaged in the store"):
        Scratch(store, tmp_path).plate(ref)
    keep_record(store, ref, plate)
    with pytest.raises(IntegrityError, match=r"of plate\.mov are damaged"):
        _pictures(Scratch(store, tmp_path).plate(ref))


def test_a_packed_sequence_is_always_fetched(
    store: Store, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")
    ref = PlateRef(sha256=file_hash(plate), name="frames.zip", frame_count=90)
    store.put_file(plate_file(ref), plate)
    assert not isinstance(Scratch(store, tmp_path).plate(ref), StreamedPath)


def test_a_size_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "much")
    with pytest.raises(UsageError, match="'much' is no number of megabytes"):
        stream_over_bytes()
