"""Sign what is about to be released, once, on the machine that holds the seal.

It does not know C2PA, only that `provenance` signs a file. Signing twice gives other bytes, so the
first signed files are written down, and whoever publishes the job again takes those.
"""

import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bodyswap.errors import IntegrityError, UsageError
from bodyswap.rights.audit import Event, Fact
from bodyswap.rights.consent import ConsentRecord
from bodyswap.rights.origin import Origin, Rendered
from bodyswap.rights.provenance import Seal, Sealed, seal_file
from bodyswap.rights.sequence import LIST, seal_sequence
from bodyswap.rights.trust import SealFiles, Trust, operator_trust
from cluster.jobs.commit import StoredFile
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import JobKeys, plate_file
from cluster.rights.audit_log import append
from cluster.rights.doors import checkpoint_of
from cluster.rights.marking import FrameTraces
from cluster.stores.asker import Asker
from cluster.stores.record import content_hash, file_hash, from_json, to_json
from cluster.stores.store import Store

_RECORD = "/record.json"
_FRAME = re.compile(r"shot\.\d+\.[a-z0-9]+")
"""A frame of a sequence."""


def is_frame(name: str) -> bool:
    """Whether a delivered file of that name is one frame of a sequence."""
    return _FRAME.fullmatch(name) is not None


def is_sealed(store: Store, job: str) -> bool:
    """Whether what the job delivered was signed, so that it tells its own origin."""
    return any(key.endswith(_RECORD) for key in store.list_keys(JobKeys(job=job).sealed))


def sealed(
    store: Store,
    spec: JobSpec,
    files: tuple[StoredFile, ...],
    records: tuple[ConsentRecord, ...],
    traces: FrameTraces,
    asker: Asker,
    *,
    at_s: float,
) -> tuple[StoredFile, ...]:
    """The files as they are released: signed where rights.yaml has a seal, and their sidecars.

    `records` are the consents of the job's `subjects`, in their order.

    Raises:
        UsageError: the seal cannot be used.
        IntegrityError: the plate, or what was assembled, is another file by now.
    """
    trust = operator_trust()
    if trust.seal is None:
        unsigned = "unsigned: rights.yaml has no seal"
        _write_down(store, spec, records, trust, traces, unsigned, at_s)
        return files
    # By what was assembled: a shard done again after this makes another shot.
    made_of = content_hash([file.sha256 for file in files])
    key = f"{JobKeys(job=spec.job).sealed}{made_of}{_RECORD}"
    standing = store.get(key)
    if standing is None:
        signed, trouble = _sign(store, spec, files, records, read_seal(trust.seal), asker)
        if store.put_if_absent(key, to_json(signed)):
            _write_down(store, spec, records, trust, traces, trouble or "signed", at_s)
        standing = store.get(key) or to_json(signed)
    return from_json(standing, tuple[StoredFile, ...], what=key)


def _sign(
    store: Store,
    spec: JobSpec,
    files: tuple[StoredFile, ...],
    records: tuple[ConsentRecord, ...],
    seal: Seal,
    asker: Asker,
) -> tuple[tuple[StoredFile, ...], str]:
    signed: list[StoredFile] = []
    trouble = ""
    with tempfile.TemporaryDirectory(prefix="bodyswap-seal-") as scratch:
        folder = Path(scratch)
        plate = folder / "plate" / spec.plate.name
        _fetch(store, plate_file(spec.plate), plate, spec.plate.sha256)
        (folder / "out").mkdir()
        origin = _origin(spec, records)
        fetches = [
            partial(_fetch, store, file.key, folder / "in" / file.name, file.sha256)
            for file in files
        ]
        for fetched in asker.all(fetches):
            fetched()
        for done in _each_sealed(files, plate, folder, origin, seal):
            trouble = done.timestamp_trouble or trouble
            signed += [_stored(store, spec, path) for path in _paths(done)]
    return (*(file for file in files if is_frame(file.name)), *signed), trouble


def _fetch(store: Store, key: str, path: Path, sha256: str) -> None:
    """The file, which what is signed will be about. Raises IntegrityError."""
    store.fetch_file(key, path)
    found = file_hash(path)
    if found != sha256:
        raise IntegrityError(
            f"'{key}' has the hash {found[:12]}…, not {sha256[:12]}…: it is not signed"
        )


def _each_sealed(
    files: tuple[StoredFile, ...], plate: Path, folder: Path, origin: Origin, seal: Seal
) -> Iterator[Sealed]:
    """Every file, signed; a sequence's frames stay as they are, and their list is signed."""
    frames = [folder / "in" / file.name for file in files if is_frame(file.name)]
    if frames:
        yield seal_sequence(frames, plate, folder / "out" / f"shot{LIST}", origin, seal)
    for file in files:
        if not is_frame(file.name):
            out = folder / "out" / file.name
            yield seal_file(folder / "in" / file.name, plate, out, origin, seal)


def _paths(done: Sealed) -> tuple[Path, ...]:
    return (done.path,) if done.sidecar is None else (done.path, done.sidecar)


def _stored(store: Store, spec: JobSpec, path: Path) -> StoredFile:
    sha256 = file_hash(path)
    key = f"{JobKeys(job=spec.job).sealed}{sha256}/{path.name}"
    store.put_file(key, path)
    return StoredFile(name=path.name, key=key, sha256=sha256, size_bytes=path.stat().st_size)


def _origin(spec: JobSpec, records: tuple[ConsentRecord, ...]) -> Origin:
    lead, *others = (
        Rendered(subject=subject.name, checkpoint=checkpoint_of(subject), consent=record.id)
        for subject, record in zip(spec.subjects, records, strict=True)
    )
    return Origin(
        job=spec.job,
        subject=lead.subject,
        checkpoint=lead.checkpoint,
        consent=lead.consent,
        plate_sha256=spec.plate.sha256,
        frames=spec.plate.numbers(spec.frames),
        production=spec.project,
        shot=Path(spec.plate.name).stem,
        software=spec.software,
        others=tuple(others),
    )


def read_seal(files: SealFiles) -> Seal:
    """The seal that rights.yaml names. Raises UsageError."""
    try:
        chain, key = Path(files.chain).read_text(), Path(files.key).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the seal that rights.yaml names: {error}") from error
    return Seal(chain=chain, key=key, timestamp_url=files.timestamp_url)


def _write_down(
    store: Store,
    spec: JobSpec,
    records: tuple[ConsentRecord, ...],
    trust: Trust,
    traces: FrameTraces,
    detail: str,
    at_s: float,
) -> None:
    for subject, record in zip(spec.subjects, records, strict=True):
        fact = Fact(
            event=Event.PUBLISHED, by="farm", subject=subject.name, consent=record.id,
            checkpoint=checkpoint_of(subject), shot=Path(spec.plate.name).stem, use=spec.use,
            job=spec.job, production=spec.project, frames=spec.plate.numbers(spec.frames),
            detail=detail,            watermark=traces.mark, prints=traces.prints,
        )  # fmt: skip
        append(store, fact, trust, at_s=at_s)
