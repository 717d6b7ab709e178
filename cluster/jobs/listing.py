"""Which jobs a store has, and which of them a person means by an id, a name or a pattern.

Every job has an empty object names/<name>/<job>, so that finding it reads no job and lists no
shards. It does not know how far any of them is.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from bodyswap.errors import JobError, UsageError
from bodyswap.spelling import near_miss
from cluster.jobs.job import JobSpec
from cluster.jobs.keys import NAMES, QUEUE, JobKeys, job_of_marker, key_part
from cluster.stores.store import Store

_WILD = "*?["


def put_name(store: Store, spec: JobSpec) -> None:
    """Let the job be found, by its name and at all."""
    store.put_if_absent(f"{NAMES}{job_name(spec)}/{spec.job}", b"")


def check_name(name: str) -> str:
    """`name` itself. Raises UsageError where a job cannot be called so."""
    if key_part(name) != name:
        raise UsageError(
            f"'{name}' cannot be a job's name; use letters, digits and ._=+@-, a letter or digit"
            " first, 120 at most"
        )
    return name


def job_name(spec: JobSpec) -> str:
    """What people call the job; one without a name goes by its plate's."""
    return spec.name or key_part(spec.plate.name.rpartition(".")[0] or spec.plate.name)


def jobs_before(store: Store, job: str) -> int:
    """How many jobs the queue has before this one; 0 where it is not in it."""
    # A job has a second marker while something is asked of it.
    queue = list(dict.fromkeys(map(job_of_marker, store.list_keys(QUEUE))))
    return queue.index(job) if job in queue else 0


def job_ids(store: Store) -> list[str]:
    """The id of every job in the store."""
    return list(dict.fromkeys(job for job, _ in _names(store)))


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


def _jobs_called(store: Store, text: str) -> list[str]:
    if key_part(text) == text and store.head(JobKeys(job=text).spec) is not None:
        return [text]
    fits = _fits_pattern(text) if _is_pattern(text) else _fits_text(text)
    return list(dict.fromkeys(job for job, name in _names(store) if fits(job, name)))


def _fits_pattern(pattern: str) -> Callable[[str, str], bool]:
    return lambda job, name: fnmatchcase(job, pattern) or fnmatchcase(name, pattern)


def _fits_text(text: str) -> Callable[[str, str], bool]:
    # Names are looked at even where an id begins so: "cafe" may be somebody's shot.
    return lambda job, name: text != "" and (job.startswith(text) or name == text)


def _names(store: Store) -> list[tuple[str, str]]:
    """Every job with its name; one that was submitted under two names has two lines."""
    parts = (key.split("/") for key in store.list_keys(NAMES))
    return [(job, name) for _, name, job in parts]


def _no_job(store: Store, text: str) -> JobError:
    what = "fits no job's id or name" if _is_pattern(text) else "is no job's id or name"
    known = dict.fromkeys(word for named in _names(store) for word in named)
    if not known:
        return JobError(f"'{text}' {what}: {store.url} holds no jobs; is it the --store you mean?")
    near = near_miss(text, known)
    return JobError(
        f"'{text}' {what}; {near}{' ' * bool(near)}`list` shows the jobs of {store.url}"
    )


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in _WILD)


def names_of(spec: JobSpec) -> str:
    """Everybody who is rendered, in words."""
    return ", ".join(dict.fromkeys(subject.name for subject in spec.subjects))
