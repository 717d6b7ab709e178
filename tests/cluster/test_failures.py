import pytest
import ray.exceptions
from ray.exceptions import ActorDiedError, NodeDiedError, RayActorError, RayError, RaySystemError

from bodyswap.errors import IntegrityError, ModelError, NoPerformerError, PlateError, StoreError
from cluster.jobs.failures import (
    RAY_CAUSES,
    Cause,
    Failure,
    Verdict,
    batch_divisor,
    classify,
    death,
    is_due,
    pause_s,
    ray_cause,
    verdict,
)


def _failures(*causes: Cause, worker: str = "w{}") -> list[Failure]:
    return [
        Failure(cause=cause, message="", exit_code=8, worker=worker.format(n), at_s=100.0 + n)
        for n, cause in enumerate(causes)
    ]


@pytest.mark.parametrize(
    ("error", "cause", "exit_code"),
    [
        (NoPerformerError("x"), Cause.INPUT, 4),
        (PlateError("x"), Cause.INPUT, 3),
        (ModelError("x"), Cause.MODEL, 6),
        (IntegrityError("x"), Cause.DAMAGE, 7),
        (StoreError("x"), Cause.STORE, 7),
        (OSError(28, "No space left on device"), Cause.MACHINE, 8),
        (MemoryError(), Cause.MEMORY, 8),
        (ZeroDivisionError("x"), Cause.UNEXPECTED, 8),
    ],
)
def test_every_kind_of_error_has_its_cause(error: Exception, cause: Cause, exit_code: int) -> None:
    failure = classify(error, worker="w", at_s=0.0)
    assert (failure.cause, failure.exit_code) == (cause, exit_code)


def test_a_known_error_speaks_for_itself_and_an_unknown_one_brings_its_traceback() -> None:
    assert classify(PlateError("it is torn"), worker="w", at_s=0.0).message == "it is torn"
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        failure = classify(error, worker="w", at_s=0.0)
    assert failure.message.startswith("ZeroDivisionError: ")
    assert "_ = 1 // 0" in failure.evidence


@pytest.mark.parametrize("cause", list(Cause))
def test_a_shard_is_given_up_exactly_at_its_causes_limit(cause: Cause) -> None:
    def same_worker(count: int) -> list[Failure]:
        return _failures(*[cause] * count, worker="w")

    assert verdict(same_worker(cause.most_attempts - 1)) is Verdict.RETRY
    assert verdict(same_worker(cause.most_attempts)) is cause.then


def test_three_different_workers_in_whatever_way_convict_the_input() -> None:
    mixed = [Cause.DEATH, Cause.MEMORY, Cause.STALL]
    assert verdict(_failures(*mixed)) is Verdict.QUARANTINE
    assert verdict(_failures(*mixed, worker="the same")) is Verdict.RETRY


def test_machines_that_go_away_and_a_store_that_fails_convict_nobody() -> None:
    assert verdict(_failures(*[Cause.LOST, Cause.STORE] * 5, Cause.DEATH)) is Verdict.RETRY


def test_what_fails_the_job_goes_before_what_quarantines_a_shard() -> None:
    assert verdict(_failures(Cause.DEATH, Cause.DEATH, Cause.DEATH, Cause.INPUT)) is Verdict.FAIL


def test_retries_wait_longer_each_time_but_not_for_ever() -> None:
    waits = [pause_s(count) for count in range(1, 30)]
    assert waits == sorted(waits) and 0 < waits[0] < waits[-1] <= 30
    failures = _failures(Cause.STORE, Cause.STORE)
    last_s = failures[-1].at_s
    assert is_due([], 0.0)
    assert not is_due(failures, last_s) and not is_due(failures, last_s + pause_s(2) - 0.01)
    assert is_due(failures, last_s + pause_s(2))


def test_a_failure_noted_by_a_clock_that_is_ahead_does_not_keep_the_shard_waiting() -> None:
    assert is_due(_failures(Cause.DEATH), now_s=0.0)


def test_each_time_memory_runs_out_the_batch_is_halved() -> None:
    assert batch_divisor(_failures(Cause.DEATH)) == 1
    assert batch_divisor(_failures(Cause.MEMORY, Cause.DEATH, Cause.MEMORY)) == 4


def test_the_gpu_running_out_of_memory_is_known_without_torch() -> None:
    # As torch has it: a RuntimeError of this name.
    error = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
    assert classify(error, worker="w", at_s=0.0).cause is Cause.MEMORY


def _ray_errors() -> list[type[RayError]]:
    kinds = [kind for kind in vars(ray.exceptions).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, RayError)]


def test_every_exception_of_rays_that_the_table_names_is_there() -> None:
    assert set(RAY_CAUSES) <= {kind.__name__ for kind in _ray_errors()}


_SILENT = {"__init__": lambda self: None, "__str__": lambda self: ""}


def test_no_death_of_an_actor_or_a_node_is_taken_for_a_bug() -> None:
    deaths = [kind for kind in _ray_errors() if kind.__name__.endswith(("DiedError", "ActorError"))]
    assert {RayActorError, ActorDiedError, NodeDiedError} <= set(deaths)
    for kind in deaths:
        # By its kind alone: each has arguments of its own.
        error = type(kind.__name__, (kind,), _SILENT)()
        assert ray_cause(error) in (Cause.DEATH, Cause.LOST), kind
    assert ray_cause(RaySystemError("x")) is Cause.UNEXPECTED


def test_an_actor_that_went_with_its_machine_is_lost_and_not_dead() -> None:
    assert ray_cause(RayActorError(error_msg="it died")) is Cause.DEATH
    assert ray_cause(RayActorError(preempted=True)) is Cause.LOST
    gone = "The actor died because its node has died."
    assert ray_cause(RayActorError(error_msg=gone)) is Cause.LOST


def test_a_death_names_its_worker() -> None:
    assert death(worker="ray-3", at_s=0.0, evidence="signal 9").message == "worker ray-3 died"
