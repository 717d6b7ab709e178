"""Whatever is asked of the JSON API, it answers as its OpenAPI description says."""

import itertools

import httpx
import pytest
import schemathesis
from film_farm import FilmFarm
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

_QUICK = settings(
    max_examples=8, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
_UNASKED = [schemathesis.checks.unsupported_method]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_answer_is_as_described(finished: tuple[FilmFarm, str], page: httpx.Client) -> None:
    schema = schemathesis.openapi.from_url(f"{page.base_url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 17
    answered: set[int] = set()
    for operation in operations:
        _ask(operation, GenerationMode.POSITIVE, finished[1], answered)
        if "{job}" in operation.path:
            _ask(operation, GenerationMode.NEGATIVE, None, answered)
    assert {200, 404, 422} <= answered


def _ask(
    operation: APIOperation, mode: GenerationMode, job: str | None, answered: set[int]
) -> None:
    """Ask a few times; a name made up is hardly ever a job's, so two of three ask for `job`."""
    turns = itertools.count()

    @given(case=operation.as_strategy(generation_mode=mode))
    @_QUICK
    def ask(case: schemathesis.Case) -> None:
        if job is not None and "job" in case.path_parameters and next(turns) % 3:
            case.path_parameters["job"] = job
        answer = case.call()
        case.validate_response(answer, excluded_checks=_UNASKED)
        answered.add(answer.status_code)

    ask()
