"""Which jobs a store has, and which of them a person means by an id, a name or a pattern.

It does not know how far any of them is.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from bodyswap.errors import JobError
from cluster.job import JobSpec
from cluster.keys import JOBS
from cluster.observe import read_spec
from cluster.store import Store

_WILD = "*?["


def job_ids(store: Store) -> list[str]:
    """The id of every job in the store, sorted."""
    parts = (key.split("/") for key in store.list_keys(JOBS))
    return [job for _, job, *rest in parts if rest == ["job.yaml"]]


def find_job(store: Store, text: str) -> str:
    """The one job whose id begins with `text`, or whose name it is.

    Raises:
        JobError: there is none, or there are several.
    """
    found = _jobs_called(store, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise JobError(
            f"'{text}' fits {len(found)} jobs: {', '.join(found)}; write more of the one you mean"
        )
    raise _no_job(store, text)


def find_jobs(store: Store, patterns: Sequence[str]) -> tuple[str, ...]:
    """The jobs whose id or name fits any of the patterns, such as "SH0*"; without, all of them.

    Raises:
        JobError: a pattern fits no job.
    """
    if not patterns:
        return tuple(job_ids(store))
    found: dict[str, None] = {}
    for pattern in patterns:
        jobs = _jobs_called(store, pattern)
        if not jobs:
            raise _no_job(store, pattern)
        found.update(dict.fromkeys(jobs))
    return tuple(found)


def job_name(spec: JobSpec) -> str:
    """What people call the job; those submitted before jobs had names go by their plate's."""
    return spec.name or spec.plate.name.rpartition(".")[0] or spec.plate.name


def _jobs_called(store: Store, text: str) -> list[str]:
    ids = job_ids(store)
    if text in ids:
        return [text]
    is_pattern = any(sign in text for sign in _WILD)

    def fits(job: str, name: str) -> bool:
        if is_pattern:
            return fnmatchcase(job, text) or fnmatchcase(name, text)
        # Names are looked at even where an id begins so: "cafe" may be somebody's shot.
        return text != "" and (job.startswith(text) or name == text)

    return [job for job, name in _names(store, ids) if fits(job, name)]


def _names(store: Store, ids: list[str]) -> Iterator[tuple[str, str]]:
    for job in ids:
        spec = read_spec(store, job)
        if spec is not None:
            yield job, job_name(spec)


def _no_job(store: Store, text: str) -> JobError:
    wild = any(sign in text for sign in _WILD)
    what = "fits no job's id or name" if wild else "is no job's id or name"
    return JobError(f"'{text}' {what}; `list` shows the jobs of {store.url}")
