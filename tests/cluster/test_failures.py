import pytest

from bodyswap.errors import IntegrityError, ModelError, NoPerformerError, PlateError, StoreError
from cluster.failures import Cause, Failure, classify, death, is_exhausted, retry_at_s


def _failures(*causes: Cause) -> list[Failure]:
    return [
        Failure(cause=cause, message="", exit_code=8, worker=f"w{n}", at_s=100.0 + n)
        for n, cause in enumerate(causes)
    ]


@pytest.mark.parametrize(
    ("error", "cause", "exit_code"),
    [
        (NoPerformerError("x"), Cause.INPUT, 4),
        (PlateError("x"), Cause.INPUT, 3),
        (ModelError("x"), Cause.MODEL, 6),
        (IntegrityError("x"), Cause.STORE, 7),
        (StoreError("x"), Cause.STORE, 7),
        (OSError(28, "No space left on device"), Cause.MACHINE, 8),
        (MemoryError(), Cause.MACHINE, 8),
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
    assert not is_exhausted(_failures(*[cause] * (cause.most_attempts - 1)))
    assert is_exhausted(_failures(*[cause] * cause.most_attempts))


def test_causes_are_counted_apart() -> None:
    assert not is_exhausted(_failures(Cause.DEATH, Cause.UNEXPECTED, Cause.DEATH, Cause.STORE))


def test_retries_wait_longer_each_time_but_not_for_ever() -> None:
    assert retry_at_s([]) == 0.0
    waits = []
    for count in range(1, 30):
        failures = _failures(*[Cause.STORE] * count)
        waits.append(retry_at_s(failures) - failures[-1].at_s)
    assert waits == sorted(waits) and 0 < waits[0] < waits[-1] <= 30


def test_a_death_names_its_worker() -> None:
    assert death(worker="ray-3", at_s=0.0, evidence="signal 9").message == "worker ray-3 died"
