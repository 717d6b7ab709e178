"""Jobs as lines for people and as JSON for programs. It does not know where they are told."""

import json
from dataclasses import asdict
from pathlib import Path

from bodyswap.terminal import WorkSeen, say
from cluster.progress import JobStatus


def seen(status: JobStatus) -> WorkSeen:
    """The status as progress."""
    return WorkSeen(
        stage=status.state,
        done=status.frames_done,
        total=status.frames_total,
        shards_done=status.shards_done,
        shards_total=status.shards_total,
        rate_per_s=status.frames_per_s,
        left_s=status.eta_s,
        note=status.message,
    )


def tell_status(status: JobStatus, *, as_json: bool) -> None:
    say(json.dumps(asdict(status)) if as_json else f"{status.job}  {seen(status).sentence()}")


def tell_files(job: str, files: tuple[Path, ...], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"job": job, "files": [str(path) for path in files]}))
        return
    for path in files:
        say(str(path))
