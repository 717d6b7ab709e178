"""Large plates are read where they lie, small ones fetched, and both give the same frames."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import run_command

from bodyswap.decode import decode
from bodyswap.environment import stream_over_bytes
from bodyswap.errors import IntegrityError, PlateError, UsageError
from bodyswap.media.index import index_clip
from bodyswap.media.streamed import StreamedPath
from bodyswap.timing import FrameRange
from cluster.jobs.keys import plate_file, plate_record
from cluster.jobs.observe import read_spec
from cluster.jobs.plate_stream import recorded
from cluster.jobs.refs import PlateRef
from cluster.stores.opening import open_store
from cluster.stores.record import file_hash
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
def streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def _stored(store: Store, plate: Path) -> PlateRef:
    ref = PlateRef(sha256=file_hash(plate), name="plate.mov", frame_count=90)
    ref, record = recorded(ref, plate)
    store.put_file(plate_file(ref), plate)
    if record:
        store.put(plate_record(ref), record)
    return ref


def _pictures(path: Path) -> np.ndarray:
    clip = index_clip(path)
    return np.concatenate([batch.rgb_NHW3 for batch in decode(clip, SOME)])


def test_only_plates_beyond_the_size_are_streamed_and_frames_are_the_same(
    store: Store, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = _stored(store, plate)
    assert not ref.record
    fetched = Scratch(store, tmp_path / "one").plate(ref)
    assert not isinstance(fetched, StreamedPath) and fetched.is_file()
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "0")
    scratch = Scratch(store, tmp_path / "two")
    ref = _stored(store, plate)
    streamed = scratch.plate(ref)
    assert isinstance(streamed, StreamedPath) and scratch.plate(ref) is streamed
    assert not (tmp_path / "two").exists()
    np.testing.assert_array_equal(_pictures(streamed), _pictures(fetched))


def test_a_plate_without_a_record_of_its_job_is_fetched_whatever_lies_beside_it(
    store: Store, plate: Path, tmp_path: Path, streaming: None
) -> None:
    ref = replace(_stored(store, plate), record="")
    assert not isinstance(Scratch(store, tmp_path).plate(ref), StreamedPath)


def test_what_is_damaged_in_the_store_is_refused_when_it_is_read(
    store: Store, plate: Path, tmp_path: Path, streaming: None
) -> None:
    ref = _stored(store, plate)
    data = bytearray(plate.read_bytes())
    data[len(data) // 2] ^= 1
    store.put(plate_file(ref), bytes(data))
    with pytest.raises(IntegrityError, match=r"of plate\.mov are damaged"):
        _pictures(Scratch(store, tmp_path).plate(ref))


def test_another_plate_is_refused_with_and_without_a_record_of_its_own(
    store: Store, plate: Path, tmp_path: Path, streaming: None
) -> None:
    ref = _stored(store, plate)
    other = write_clip(
        tmp_path / "other.mov", pictures(90), encoder="prores_ks", pixel_format="yuv422p10le"
    )
    theirs, record = recorded(replace(ref, sha256=file_hash(other), record=""), other)
    store.put_file(plate_file(ref), other)
    with pytest.raises(IntegrityError, match="another file lies in its place"):
        Scratch(store, tmp_path).plate(ref)
    store.put(plate_record(ref), record)
    with pytest.raises(IntegrityError, match=r"the job was submitted with .* changed since"):
        Scratch(store, tmp_path).plate(ref)
    # Somebody who writes jobs may name both; then it is another job's plate, and no one else's.
    store.put(plate_record(replace(ref, record=theirs.record)), record)
    store.put_file(plate_file(ref), plate)
    scratch = Scratch(store, tmp_path)
    with pytest.raises(IntegrityError, match="another file lies in its place"):
        scratch.plate(replace(ref, record=theirs.record))


def test_a_file_that_changed_since_it_was_looked_at_is_not_submitted(
    plate: Path, streaming: None
) -> None:
    ref = PlateRef(sha256=file_hash(plate), name="plate.mov", frame_count=90)
    write_clip(plate, pictures(60), encoder="prores_ks", pixel_format="yuv422p10le")
    with pytest.raises(PlateError, match="was changed while it was submitted"):
        recorded(ref, plate)


def test_a_packed_sequence_is_always_fetched(
    store: Store, plate: Path, tmp_path: Path, streaming: None
) -> None:
    ref = PlateRef(sha256=file_hash(plate), name="frames.zip", frame_count=90)
    assert recorded(ref, plate) == (ref, b"")
    store.put_file(plate_file(ref), plate)
    assert not isinstance(Scratch(store, tmp_path).plate(ref), StreamedPath)


def test_a_size_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BODYSWAP_STREAM_OVER_MB", "much")
    with pytest.raises(UsageError, match="'much' is no number of megabytes"):
        stream_over_bytes()


def test_a_plate_exchanged_between_submit_and_render_ends_the_job_before_a_frame(
    plate: Path, tmp_path: Path, streaming: None, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path / "store"))
    here = ("--store", store.url)
    asked = ("submit", plate, "--subject", "vega", "--frames", "1001-1004", "--json")
    code, said, wrong = run_command(capsys, *asked, *here)
    assert code == 0, wrong
    job = json.loads(said)["job"]
    spec = read_spec(store, job)
    assert spec is not None and spec.plate.record
    other = write_clip(tmp_path / "other.mov", pictures(90, width=160, height=120))
    _, record = recorded(replace(spec.plate, sha256=file_hash(other), record=""), other)
    store.put_file(plate_file(spec.plate), other)
    store.put(plate_record(spec.plate), record)
    code, _, wrong = run_command(capsys, "work", "--job", job, "--runtime", "inline", *here)
    assert code == 7
    assert "changed since; remove it and submit again" in wrong
    code, said, _ = run_command(capsys, "why", job, *here)
    assert "changed since" in said
    assert not [key for key in store.list_keys(f"jobs/{job}/") if "commit.json" in key]
