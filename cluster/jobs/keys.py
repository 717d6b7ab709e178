"""Where everything lies in the store.

It does not know the objects, only their names; DESIGN's "The bucket is the database" as code.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cluster.jobs.job import HIGHEST_PRIORITY, JobSpec, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.jobs.refs import PlateRef, PosesRef, SubjectRef

QUEUE = "queue/"
JOBS = "jobs/"
SUBJECTS = "subjects/"
FARM = "farm/"
SHARES = f"{FARM}shares.yaml"
CONSENTS = "consents/"
REVOKED = "revoked/"
AUDIT_ENTRIES = "audit/entries/"
AUDIT_HEADS = "audit/heads/"
AUDIT_HINT = "audit/hint"
QUARANTINE = "quarantine/"
PREVIEW = "preview/"


@dataclass(frozen=True, kw_only=True)
class JobKeys:
    """The keys of one job."""

    job: str

    @property
    def root(self) -> str:
        return f"{JOBS}{self.job}/"

    @property
    def spec(self) -> str:
        return f"{self.root}job.yaml"

    @property
    def plan(self) -> str:
        return f"{self.root}plan.json"

    @property
    def progress(self) -> str:
        return f"{self.root}progress.json"

    @property
    def journal(self) -> str:
        return f"{self.root}journal/"

    @property
    def out(self) -> str:
        return f"{self.root}out/"

    @property
    def sealed(self) -> str:
        """Deliverables as they were signed, before they are published."""
        return f"{self.root}sealed/"

    @property
    def manifest(self) -> str:
        return f"{self.out}manifest.json"

    def journal_entry(self, number: int) -> str:
        return f"{self.journal}{number:06d}.json"

    def stage(self, stage: Stage) -> str:
        return f"{self.root}{stage}/"

    def shard(self, shard: Shard) -> str:
        # Sorts after the take before it, so that the latest is met last.
        take = f"={shard.take}" if shard.take else ""
        return f"{self.stage(shard.stage)}{shard.index:05d}{take}/"

    def commit(self, shard: Shard) -> str:
        return f"{self.shard(shard)}commit.json"

    def lease(self, shard: Shard, epoch: int) -> str:
        return f"{self.shard(shard)}lease-{epoch:04d}.json"

    def attempt(self, lease: Lease) -> str:
        return f"{self.shard(lease.shard)}{lease.attempt}/"

    def log(self, lease: Lease) -> str:
        """What the attempt said while it worked."""
        return f"{self.attempt(lease)}log.txt"


def queue_marker(spec: JobSpec, submitted_at: str) -> str:
    """Sorts before the markers of lower priorities, then of later submissions."""
    return f"{QUEUE}{HIGHEST_PRIORITY - spec.priority:02d}-{submitted_at}-{spec.job}"


def job_of_marker(marker: str) -> str:
    return marker.rpartition("-")[2]


def plate_file(plate: PlateRef) -> str:
    return f"plates/{plate.sha256}/{plate.name}"


def preview_playlist(job: str) -> str:
    """The playlist of what is rendered so far; it names segments by their places from here."""
    return f"{PREVIEW}{job}/live.m3u8"


def plate_record(plate: PlateRef) -> str:
    """What reading a plate where it lies takes: its index, and a hash of every block."""
    return f"plates/{plate.sha256}/streaming-{plate.record[:16]}.json"


def poses_file(poses: PosesRef) -> str:
    return f"poses/{poses.sha256}/poses.npz"


def subject_file(subject: SubjectRef, name: str) -> str:
    return f"{SUBJECTS}{subject.name}/{subject.version}/{name}"


def time_part(at_s: float) -> str:
    """Seconds since 1970 as UTC, in text that sorts by time and fits a key."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def consent_file(subject: str, consent: str) -> str:
    return f"{CONSENTS}{subject}/{consent}.jws"


def revocation_list(number: int) -> str:
    return f"{REVOKED}{number:08d}.jws"


def audit_entry(number: int) -> str:
    return f"{AUDIT_ENTRIES}{number:09d}.json"


def audit_head(number: int) -> str:
    return f"{AUDIT_HEADS}{number:09d}.jws"


def key_part(text: str) -> str:
    """`text` with what no key may hold replaced, such as the spaces of a file name."""
    return re.sub(r"[^A-Za-z0-9._=+@-]", "_", text)[-120:].lstrip("._=+@-") or "unnamed"
