"""Whatever is asked of the JSON API, it answers as its OpenAPI description says; it never fails."""

import itertools

import httpx
import pytest
import schemathesis
from film_farm import FilmFarm
from hypothesis import HealthCheck, Phase, given, settings

_QUICK = settings(
    max_examples=15, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_answer_is_as_described(finished: tuple[FilmFarm, str], page: httpx.Client) -> None:
    _, job = finished
    schema = schemathesis.openapi.from_url(f"{page.base_url}/openapi.json")
    asked: set[tuple[str, str]] = set()
    turns = itertools.count()
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @_QUICK
        def ask(case: schemathesis.Case) -> None:
            # A name made up is hardly ever a job's: two of three ask for one that is there.
            if "job" in case.path_parameters and next(turns) % 3:
                case.path_parameters["job"] = job
            answer = case.call()
            case.validate_response(answer, excluded_checks=[schemathesis.checks.unsupported_method])
            assert answer.status_code < 500, answer.text
            asked.add((case.operation.path, str(answer.status_code)))

        ask()
    assert len({path for path, _ in asked}) >= 17, asked
    assert {"200", "404", "422"} <= {status for _, status in asked}
