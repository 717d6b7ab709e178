"""Prometheus finds how far trainings are, and every loss, where they are served."""

import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bodyswap.errors import UsageError
from cluster.jobs.training_spec import TrainingState
from cluster.metering.exporter import served
from cluster.training.metrics import TrainingMetrics
from cluster.training.status import TrainingStatus

HALF = TrainingStatus(
    training="ab12", subject="rex", state=TrainingState.TRAINING, step=40, done=0.5,
    seconds_per_step=1.25, losses={"pixel": 0.2, "matte": 0.1},
)  # fmt: skip
OTHER = TrainingStatus(training="cd34", subject="mara", state=TrainingState.POSING, done=0.1)


def _free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def _scraped(address: str) -> dict[tuple[str, frozenset[str]], float]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_was_seen_last_of_each_training_is_scraped() -> None:
    metrics, address = TrainingMetrics(), _free_address()
    with served([metrics], address):
        metrics.see(OTHER)
        metrics.see(TrainingStatus(training="ab12", subject="rex", state=TrainingState.WAITING))
        metrics.see(HALF)
        found = _scraped(address)
    rex = ("ab12", "rex")
    assert found["bodyswap_training_step", frozenset(rex)] == 40
    assert found["bodyswap_training_done_ratio", frozenset(rex)] == 0.5
    assert found["bodyswap_training_step_seconds", frozenset(rex)] == 1.25
    assert found["bodyswap_training_loss", frozenset((*rex, "pixel"))] == 0.2
    assert found["bodyswap_training_state", frozenset((*rex, "training"))] == 1
    assert found["bodyswap_training_state", frozenset((*rex, "waiting"))] == 0
    assert found["bodyswap_training_state", frozenset(("cd34", "mara", "posing"))] == 1


def test_the_address_is_free_again_afterwards() -> None:
    address = _free_address()
    for _ in range(2):
        with served([TrainingMetrics()], address):
            assert _scraped(address) == {}


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with (
        pytest.raises(UsageError, match=r"write it like 127\.0\.0\.1:9400"),
        served([TrainingMetrics()], address),
    ):
        pass
