"""Release a finished job: its deliverables under out/, and the manifest last.

It does not know what they show. The manifest means published: nothing under out/ counts before.
"""

import time
from dataclasses import dataclass
from functools import partial

from bodyswap.errors import IntegrityError, StoreError
from bodyswap.joins import Join
from bodyswap.timing import FrameRange
from cluster.delivering.accounts import read_account
from cluster.delivering.assemble import JOINS, checked_order
from cluster.delivering.sealing import sealed
from cluster.jobs.commit import Commit, StoredFile
from cluster.jobs.costs import Account
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import JobKeys
from cluster.jobs.refs import CastRef, PlateRef, SubjectRef
from cluster.rights.doors import permit_publish, recheck_publish
from cluster.rights.marking import traces_of
from cluster.stores.asker import Asker
from cluster.stores.record import from_json, to_json
from cluster.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class Part:
    """One render shard's share of the shot. `frames` is half-open, `numbers` what people say."""

    shard: int
    frames: FrameRange
    numbers: str
    frame_count: int
    first_pts: int
    last_pts: int
    sha256: str
    attempt: str
    worker: str
    reused_from: str = ""
    """The job that rendered it, where that was another."""


@dataclass(frozen=True, kw_only=True)
class Deliverable:
    """One file of a published job, by name and content."""

    name: str
    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was delivered, and what every part of it came from."""

    job: str
    plate: PlateRef
    subject: SubjectRef
    settings: dict[str, object]
    software: str
    frames: FrameRange
    numbers: str
    frame_count: int
    first_pts: int
    last_pts: int
    deliverables: tuple[Deliverable, ...]
    parts: tuple[Part, ...]
    joins: tuple[Join, ...] = ()
    """Where two parts meet: how far apart they were, and what was rendered anew to mend it."""
    account: Account | None = None
    """What it has cost up to here, failed attempts too."""
    watermark: str = ""
    """What every frame is marked with, and under which key's name; empty where it is unmarked."""
    cast: tuple[CastRef, ...] = ()
    """Who else was replaced, and by whom."""
    clean_plate: PlateRef | None = None
    """The one that was given, which stands where performers were."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The commits that a shot is released from, its render shards in the order of their frames."""

    solved: Commit
    rendered: tuple[Commit, ...]
    assembled: Commit


def verify(store: Store, spec: JobSpec, done: Finished, asker: Asker) -> None:
    """Check that what is to be published is whole: every frame once, every file in the store.

    Raises:
        IntegrityError: it is not.
    """
    checked_order(done.rendered, spec.frames)
    assembled = done.assembled
    if assembled.frame_count != len(spec.frames):
        raise IntegrityError(
            f"the shot was assembled with {assembled.frame_count} frames, not {len(spec.frames)}"
        )
    heads = asker.all([partial(store.head, file.key) for file in assembled.files])
    for file, head in zip(assembled.files, heads, strict=True):
        facts = head()
        if facts is None or facts.size_bytes != file.size_bytes:
            raise IntegrityError(f"'{file.key}' is not in the store as it was committed")


def publish(store: Store, spec: JobSpec, done: Finished, asker: Asker) -> Manifest:
    """Copy the deliverables under out/ and write the manifest, unless it is written already.

    Raises:
        ConsentError: the consent that the shot was rendered on no longer stands.
    """
    consents = permit_publish(store, spec)
    solved, rendered, assembled = done.solved, done.rendered, done.assembled
    traces = traces_of(store, spec, rendered)
    named = {
        file.name: file
        for file in (
            *sealed(store, spec, assembled.files, consents, traces, asker, at_s=time.time()),
            _renamed(solved.file("performer"), "performer-poses.npz"),
            _renamed(solved.file("subject"), "subject-poses.npz"),
            _renamed(solved.file("report"), "solve-report.json"),
        )
    }
    keys = JobKeys(job=spec.job)
    copies = [partial(store.copy, file.key, keys.out + name) for name, file in named.items()]
    for copied in asker.all(copies):
        copied()
    first_pts, last_pts = _pts(assembled)
    manifest = Manifest(
        job=spec.job,
        plate=spec.plate,
        subject=spec.subject,
        settings=spec.settings,
        software=spec.software,
        frames=spec.frames,
        numbers=spec.plate.numbers(spec.frames),
        frame_count=assembled.frame_count,
        first_pts=first_pts,
        last_pts=last_pts,
        deliverables=tuple(_deliverable(keys, file) for file in named.values()),
        parts=tuple(_part(spec, commit) for commit in rendered),
        joins=_read_joins(store, assembled),
        account=read_account(store, spec.job),
        watermark=traces.mark,
        cast=spec.cast,
        clean_plate=spec.clean_plate,
    )
    # Sealing and copying may have taken long enough for a consent to be revoked.
    recheck_publish(store, spec)
    store.put_if_absent(keys.manifest, to_json(manifest))
    return manifest


def read_manifest(store: Store, job: str) -> Manifest | None:
    """The job's manifest, or None while it is not published."""
    key = JobKeys(job=job).manifest
    data = store.get(key)
    return None if data is None else from_json(data, Manifest, what=key)


def _renamed(file: StoredFile, name: str) -> StoredFile:
    return StoredFile(name=name, key=file.key, sha256=file.sha256, size_bytes=file.size_bytes)


def _deliverable(keys: JobKeys, file: StoredFile) -> Deliverable:
    return Deliverable(
        name=file.name, key=keys.out + file.name, sha256=file.sha256, size_bytes=file.size_bytes
    )


def _part(spec: JobSpec, commit: Commit) -> Part:
    shard = commit.lease.shard
    maker = commit.made_by
    first_pts, last_pts = _pts(commit)
    return Part(
        shard=shard.index,
        frames=shard.frames,
        numbers=spec.plate.numbers(shard.frames),
        frame_count=commit.frame_count,
        first_pts=first_pts,
        last_pts=last_pts,
        sha256=commit.file("segment").sha256,
        attempt=commit.lease.attempt if maker is None else maker.attempt,
        worker=commit.lease.worker if maker is None else maker.worker,
        reused_from="" if maker is None else maker.job,
    )


def _read_joins(store: Store, assembled: Commit) -> tuple[Join, ...]:
    key = assembled.file(JOINS).key
    data = store.get(key)
    if data is None:
        raise IntegrityError(f"'{key}' is gone from the store; retry the assembly")
    return from_json(data, tuple[Join, ...], what=key)


def _pts(commit: Commit) -> tuple[int, int]:
    if commit.first_pts is None or commit.last_pts is None:
        raise StoreError(f"{commit.lease.shard} was committed without its pts")
    return commit.first_pts, commit.last_pts
