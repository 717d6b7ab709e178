"""A signed verdict beside each signed deliverable, under out/, for files to tell who judged them.

It does not know who may judge. A verdict may be given anew, so what lies there is the last one.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bodyswap.rights.provenance import SIDECAR, seal_verdict
from bodyswap.rights.sequence import LIST
from bodyswap.rights.trust import operator_trust
from bodyswap.rights.verdict import VERDICT, Verdict, verdict_beside
from cluster.delivering.publish import Deliverable, Manifest
from cluster.delivering.sealing import is_frame, is_sealed, read_seal
from cluster.jobs.journal import Entry
from cluster.stores.store import Store


def lay_verdict(store: Store, manifest: Manifest, entry: Entry) -> bool:
    """Write the verdict beside what it is about; False where this machine or the job has no seal.

    Raises:
        UsageError: the seal cannot be used.
    """
    seal_files = operator_trust().seal
    if seal_files is None or not is_sealed(store, manifest.job):
        return False
    seal = read_seal(seal_files)
    at = datetime.fromtimestamp(entry.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    note = entry.why.partition(": ")[2]
    verdict = Verdict(
        job=manifest.job, ruling=str(entry.ruling), by=entry.by, at=at, note=note
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bodyswap-verdict-") as scratch:
        for file in filter(_is_judged, manifest.deliverables):
            local = Path(scratch) / file.name
            store.fetch_file(file.key, local)
            beside = verdict_beside(local)
            seal_verdict(local, beside, verdict, manifest.software, seal)
            store.put_file(file.key + VERDICT, beside)
            local.unlink()
    return True


def fetch_verdicts(store: Store, manifest: Manifest, out: Path) -> tuple[Path, ...]:
    """Write the last verdicts on the deliverables into `out`, over earlier ones."""
    fetched = []
    for file in filter(_is_judged, manifest.deliverables):
        data = store.get(file.key + VERDICT)
        if data is not None:
            fetched.append(out / f"{file.name}{VERDICT}")
            fetched[-1].write_bytes(data)
    return tuple(fetched)


def _is_judged(file: Deliverable) -> bool:
    """The shot, or the list of a sequence's frames; not each frame, nor what is said of files."""
    is_shot = file.name.startswith("shot.") and not file.name.endswith(SIDECAR)
    return is_shot and (file.name.endswith(LIST) or not is_frame(file.name))
