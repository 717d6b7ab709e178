"""What the farm releases is signed once, on the machine that has the seal, and can be verified."""

import hashlib
import json
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from specs import make_spec

from bodyswap.config import RenderSettings
from bodyswap.environment import rights_file
from bodyswap.rights.audit import Event
from bodyswap.rights.certificates import make_chain
from bodyswap.rights.trust import SealFiles, operator_trust, read_trust
from bodyswap.rights.verdict import VERDICT
from bodyswap.timing import FrameRange
from cluster.cli.app import main
from cluster.delivering.delivery import fetch_delivery
from cluster.delivering.publish import Deliverable, Manifest
from cluster.delivering.sealing import sealed
from cluster.delivering.verdicts import lay_verdict
from cluster.jobs.commit import StoredFile
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.journal import Entry, Ruling
from cluster.jobs.keys import JobKeys, plate_file
from cluster.jobs.refs import CastRef, SubjectFile, SubjectRef
from cluster.rights.audit_log import read_verified
from cluster.rights.doors import permit_publish
from cluster.rights.marking import FrameTraces
from cluster.stores.asker import Asker
from cluster.stores.local import LocalStore
from cluster.stores.record import file_hash
from tests.media.clips import pictures, write_clip
from tests.rights.tiny_papers import drawn_consent

TRACES = FrameTraces(mark="0123456789@abcdef01", prints=("0f" * 32, "f0" * 32))


@dataclass(frozen=True)
class Release:
    """A job's assembled shot in a store, about to be published."""

    store: LocalStore
    spec: JobSpec
    shot: StoredFile

    def seal(self) -> tuple[StoredFile, ...]:
        consent = permit_publish(self.store, self.spec)
        return sealed(
            self.store, self.spec, (self.shot,), consent, TRACES, Asker(), at_s=time.time()
        )


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    plate = write_clip(tmp_path / "plate.mp4", pictures(8))
    shot = write_clip(tmp_path / "shot.mp4", pictures(8, first=40))
    spec = make_spec(frames=FrameRange(start=0, stop=8), plate=file_hash(plate))
    store = LocalStore(tmp_path / "store")
    store.put_file(plate_file(spec.plate), plate)
    store.put_file("jobs/shot.mp4", shot)
    _rights(tmp_path, monkeypatch)
    stored = StoredFile(
        name="shot.mp4",
        key="jobs/shot.mp4",
        sha256=file_hash(shot),
        size_bytes=shot.stat().st_size,
    )
    return Release(store, spec, stored)


def _rights(folder: Path, environment: pytest.MonkeyPatch) -> None:
    """The tests' own operator, who has a seal."""
    trust = read_trust(rights_file().read_text(), "it")
    make_chain(folder / "seal", "Nightfall Ltd", now_s=time.time())
    files = SealFiles(chain=str(folder / "seal/chain.pem"), key=str(folder / "seal/key.pem"))
    anchors = str(folder / "seal/root.pem")
    path = folder / "rights.yaml"
    whole = msgspec.structs.replace(trust, seal=files, anchors=anchors)
    path.write_bytes(msgspec.yaml.encode(whole))
    kept = folder / "consents/tiny/consent.jws"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(drawn_consent("tiny"))
    environment.setenv("BODYSWAP_RIGHTS", str(path))


def _verify(
    capture: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch, *words: object
) -> tuple[int, str, str]:
    environment.setattr(sys, "argv", ["bodyswap", "verify", *map(str, words)])
    try:
        main()
        code = 0
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    out, error = capture.readouterr()
    return code, out, error.strip()


def test_a_released_shot_tells_what_it_is_and_its_consents_state_today(
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (file,) = release.seal()
    path = tmp_path / "got.mp4"
    release.store.fetch_file(file.key, path)
    assert file_hash(path) == file.sha256 != release.shot.sha256
    store = ("--store", release.store.url)
    code, told, _ = _verify(capsys, monkeypatch, path, "--json", *store)
    proof = json.loads(told)
    assert code == 0 and proof["state"] == "Trusted" and proof["consent_today"] == "stands"
    assert proof["origin"]["job"] == release.spec.job
    code, told, _ = _verify(capsys, monkeypatch, path, *store)
    for words in ("plate.mp4", "subject      tiny", "stands", release.spec.job, "Nightfall Ltd"):
        assert words in told
    data = path.read_bytes()
    path.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    code, told, wrong = _verify(capsys, monkeypatch, path, *store)
    assert code == 7 and "was touched since it was signed" in wrong and "Invalid" in told


def test_shots_that_are_sealed_at_the_same_time_each_tell_their_own_origin(
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    releases = [
        replace(release, spec=replace(release.spec, shards=shards, priority=shards))
        for shards in range(1, 5)
    ]
    with closing(Asker(4)) as asker:
        answers = asker.all([each.seal for each in releases])
        files = [answer()[0] for answer in answers]
    assert len({file.sha256 for file in files}) == 4
    for file, each in zip(files, releases, strict=True):
        path = tmp_path / f"{each.spec.job}.mp4"
        release.store.fetch_file(file.key, path)
        code, told, _ = _verify(capsys, monkeypatch, path, "--json", "--store", release.store.url)
        proof = json.loads(told)
        assert (code, proof["state"], proof["origin"]["job"]) == (0, "Trusted", each.spec.job)


def test_a_shot_of_two_names_both_and_tells_which_consent_no_longer_stands(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mara = SubjectRef(name="mara", files=(SubjectFile(name="card.yaml", sha256="c" * 64),))
    kept = tmp_path / "consents/mara/consent.jws"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(drawn_consent("mara"))
    settings = RenderSettings(over="plate").to_dict()
    cast = (CastRef(performer="2", subject=mara), CastRef(performer="3", subject=None))
    both = replace(release, spec=replace(release.spec, settings=settings, cast=cast))
    (file,) = both.seal()
    path = tmp_path / "got.mp4"
    both.store.fetch_file(file.key, path)
    code, told, _ = _verify(capsys, monkeypatch, path, "--store", both.store.url)
    assert code == 0
    for words in ("subject      tiny", f"subject      mara, checkpoint {mara.digest[:12]}"):
        assert words in told
    assert told.count(": stands") == 2
    kept.unlink()
    _, told, _ = _verify(capsys, monkeypatch, path, "--json", "--store", both.store.url)
    proof = json.loads(told)
    assert proof["consent_today"] == "not known here"
    assert [one["subject"] for one in proof["origin"]["others"]] == ["mara"]


def test_whoever_publishes_again_releases_the_very_same_bytes(release: Release) -> None:
    assert release.seal() == release.seal()
    log = read_verified(release.store, operator_trust())
    released = [entry.fact for entry in log.entries if entry.fact.event is Event.PUBLISHED]
    assert [fact.detail for fact in released] == ["signed"]


def test_a_shot_that_was_assembled_anew_is_signed_anew(release: Release) -> None:
    before = release.seal()
    other = write_clip(Path(release.store.url) / "other.mp4", pictures(8, first=90))
    release.store.put_file("jobs/other.mp4", other)
    stored = replace(release.shot, key="jobs/other.mp4", sha256=file_hash(other))
    after = replace(release, shot=stored).seal()
    assert {file.sha256 for file in after} & {file.sha256 for file in before} == set()


def test_of_two_who_publish_at_once_both_release_what_the_first_signed(release: Release) -> None:
    first: list[tuple[StoredFile, ...]] = []

    class Slow(LocalStore):
        """The other one signs, and writes it down, just before this one does."""

        def put_if_absent(self, key: str, data: bytes) -> bool:
            if key.endswith("/record.json"):
                first.append(release.seal())
            return super().put_if_absent(key, data)

    late = replace(release, store=Slow(Path(release.store.url)))
    assert late.seal() == first[0]


@pytest.mark.parametrize("suffix", ["png", "exr", "dpx"])
def test_a_sequence_is_signed_by_one_list_and_a_changed_frame_is_named(
    release: Release,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frames = []
    for number, picture in enumerate(pictures(3), start=1001):
        path = tmp_path / f"shot.{number}.{suffix}"
        path.write_bytes(picture.tobytes())
        release.store.put_file(f"frames/{path.name}", path)
        frames.append(
            StoredFile(
                name=path.name, key=f"frames/{path.name}", sha256=file_hash(path),
                size_bytes=path.stat().st_size,
            )
        )  # fmt: skip
    consent = permit_publish(release.store, release.spec)
    signed = sealed(
        release.store, release.spec, tuple(frames), consent, TRACES, Asker(4), at_s=time.time()
    )
    assert [file.name for file in signed] == [
        *(file.name for file in frames), "shot.sha256", "shot.sha256.c2pa",
    ]  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    for file in signed:
        release.store.fetch_file(file.key, out / file.name)
    store = ("--store", release.store.url)
    for name in ("shot.sha256", f"shot.1002.{suffix}"):
        code, told, wrong = _verify(capsys, monkeypatch, out / name, "--json", *store)
        assert code == 0, wrong
        assert json.loads(told)["state"] == "Trusted"
    changed = out / f"shot.1002.{suffix}"
    data = changed.read_bytes()
    changed.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    code, _, wrong = _verify(capsys, monkeypatch, out / "shot.sha256", *store)
    assert code == 7 and f"shot.1002.{suffix} was changed" in wrong


def test_without_a_seal_a_shot_is_released_unsigned_and_the_log_says_so(
    release: Release, tmp_path: Path
) -> None:
    path = tmp_path / "rights.yaml"
    trust = msgspec.structs.replace(read_trust(path.read_text(), "it"), seal=None)
    path.write_bytes(msgspec.yaml.encode(trust))
    assert release.seal() == (release.shot,)
    *_, last = read_verified(release.store, operator_trust()).entries
    assert last.fact.detail == "unsigned: rights.yaml has no seal"


def test_a_file_that_says_nothing_or_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write_clip(tmp_path / "plain.mp4", pictures(4))
    code, _, wrong = _verify(capsys, monkeypatch, plain, "--store", tmp_path)
    assert code == 7 and "says nothing of its origin" in wrong
    code, _, wrong = _verify(capsys, monkeypatch, tmp_path / "none.mp4")
    assert code == 2 and "is not a file" in wrong


def test_a_fetched_file_tells_by_itself_who_approved_it_last(
    release: Release,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifest = _published(release)
    for ruling, at_s in ((Ruling.REJECTED, 1.8e9), (Ruling.APPROVED, 1.8e9 + 60)):
        why = f"{ruling}: seen twice"
        entry = Entry(state=JobState.PUBLISHED, at_s=at_s, by="lena", why=why, ruling=ruling)
        assert lay_verdict(release.store, manifest, entry)
    fetched = fetch_delivery(release.store, manifest, tmp_path / "out", replace=False)
    assert [path.name for path in fetched] == [
        "shot.mp4", "report.json", "manifest.json", "shot.mp4.verdict.c2pa",
    ]  # fmt: skip
    elsewhere = ("--store", tmp_path / "another-store")
    code, told, _ = _verify(capsys, monkeypatch, fetched[0], *elsewhere)
    assert code == 0 and "approved by lena at 2027-01-15T08:01:00Z: seen twice; Trusted" in told
    code, told, _ = _verify(capsys, monkeypatch, fetched[0], "--json", *elsewhere)
    assert json.loads(told)["verdict"]["verdict"]["ruling"] == "approved"
    assert fetch_delivery(release.store, manifest, tmp_path / "out", replace=False) == fetched
    fetched[-1].replace(tmp_path / "other.mp4.verdict.c2pa")
    (file,) = release.seal()
    release.store.fetch_file(file.key, tmp_path / "other.mp4")
    with (tmp_path / "other.mp4").open("ab") as longer:
        longer.write(bytes(8))
    code, _, wrong = _verify(capsys, monkeypatch, tmp_path / "other.mp4", *elsewhere)
    assert code == 7 and wrong


def test_without_a_seal_a_verdict_is_in_the_log_alone(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = _published(release)
    entry = Entry(
        state=JobState.PUBLISHED, at_s=0.0, by="lena", why="approved", ruling=Ruling.APPROVED
    )
    trust = msgspec.structs.replace(operator_trust(), seal=None)
    rights_file().write_bytes(msgspec.yaml.encode(trust))
    assert not lay_verdict(release.store, manifest, entry)
    assert not [key for key in release.store.list_keys("jobs/") if key.endswith(VERDICT)]


def _published(release: Release) -> Manifest:
    """What publishing leaves of the release, and a report that is judged by nobody."""
    (file,) = release.seal()
    keys = JobKeys(job=release.spec.job)
    release.store.put(keys.out + "report.json", b"{}\n")
    release.store.copy(file.key, keys.out + file.name)
    report = Deliverable(
        name="report.json", key=keys.out + "report.json", size_bytes=3,
        sha256=hashlib.sha256(b"{}\n").hexdigest(),
    )  # fmt: skip
    shot = Deliverable(
        name=file.name, key=keys.out + file.name, sha256=file.sha256, size_bytes=file.size_bytes
    )
    spec = release.spec
    return Manifest(
        job=spec.job, plate=spec.plate, subject=spec.subject, settings=spec.settings,
        software=spec.software, frames=spec.frames, numbers=str(spec.frames), frame_count=8,
        first_pts=0, last_pts=7, deliverables=(shot, report), parts=(),
    )  # fmt: skip
