"""Where everything lies in the store.

It does not know the objects, only their names; DESIGN's "The bucket is the database" as code.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cluster.jobs.job import HIGHEST_PRIORITY, JobSpec, Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.jobs.refs import PlateRef, PosesRef, SubjectRef, WeightsRef

QUEUE = "queue/"
NAMES = "names/"
JOBS = "jobs/"
RESULTS = "results/"

PLATES = "plates/"
POSES = "poses/"
SUBJECTS = "subjects/"
WEIGHTS = "weights/"
TRAINING = "training/"
PREVIEW = "preview/"

CONSENTS = "consents/"
REVOKED = "revoked/"
AUDIT_ENTRIES = "audit/entries/"
AUDIT_HEADS = "audit/heads/"
AUDIT_HINT = "audit/hint"
QUARANTINE = "quarantine/"

FARM = "farm/"
SHARES = f"{FARM}shares.yaml"
COSTS = f"{FARM}costs.yaml"
ACCOUNTS = f"{FARM}accounts/"
FARM_SEEN = f"{FARM}seen.json"
DRAINS = f"{FARM}drains/"
TERMS = f"{FARM}terms/"

OUTBOX_OPEN = "outbox/open/"
OUTBOX_ASKED = "outbox/asked/"
OUTBOX_PENDING = "outbox/pending/"
OUTBOX_DEAD = "outbox/dead/"

INBOX = "inbox/"
ARRIVALS = "arrivals/"
GATHERING = "gathering/"

DOCTOR = "doctor/"
"""Objects that are gone again at once: `doctor` tries the store."""


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
    def control(self) -> str:
        """What people ask."""
        return f"{self.root}control/"

    @property
    def told(self) -> str:
        """Messages that are over, so that they are never told anew."""
        return f"{self.root}told/"

    @property
    def account(self) -> str:
        """What the job has cost."""
        return f"{self.root}account.json"

    @property
    def budget(self) -> str:
        return f"{self.root}budget.json"

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


@dataclass(frozen=True, kw_only=True)
class TrainingKeys:
    """The keys of one training."""

    training: str

    @property
    def root(self) -> str:
        return f"{TRAINING}{self.training}/"

    @property
    def spec(self) -> str:
        return f"{self.root}training.yaml"

    @property
    def states(self) -> str:
        return f"{self.root}states/"

    @property
    def status(self) -> str:
        return f"{self.root}status.json"

    @property
    def subject(self) -> str:
        return f"{self.root}subject.json"

    def out(self, name: str) -> str:
        return f"{self.root}out/{name}"


def queue_marker(spec: JobSpec, submitted_at: str) -> str:
    """Sorts before the markers of lower priorities, then of later submissions."""
    return f"{QUEUE}{HIGHEST_PRIORITY - spec.priority:02d}-{submitted_at}-{spec.job}"


def request_marker(job: str, asked_at: str) -> str:
    """Of a job of which something is asked, be it over or not: met before all that wait."""
    return f"{QUEUE}00-{asked_at}-{job}"


def job_of_marker(marker: str) -> str:
    return marker.rpartition("-")[2]


def plate_file(plate: PlateRef) -> str:
    return f"{PLATES}{plate.sha256}/{plate.name}"


def preview_playlist(job: str) -> str:
    """The playlist of what is rendered so far; it names segments by their places from here."""
    return f"{PREVIEW}{job}/live.m3u8"


def plate_record(plate: PlateRef) -> str:
    """What reading a plate where it lies takes: its index, and a hash of every block."""
    return f"{PLATES}{plate.sha256}/streaming-{plate.record[:16]}.json"


def poses_file(poses: PosesRef) -> str:
    return f"{POSES}{poses.sha256}/poses.npz"


def weights_file(weights: WeightsRef) -> str:
    return f"{WEIGHTS}{weights.sha256}/{weights.name}"


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
