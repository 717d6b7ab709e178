"""Trainings as Prometheus sees them.

It does not know the store. Whoever runs trainings tells of each look at one; replicas tell nothing
themselves, for their series would die with them.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cluster.jobs.training_spec import TrainingState
from cluster.training.status import TrainingStatus

Values = Callable[[TrainingStatus], Iterable[tuple[tuple[str, ...], float]]]

_LABELS = ("training", "subject")
_TABLE: tuple[tuple[str, str, tuple[str, ...], Values], ...] = (
    ("step", "Steps done.", (), lambda seen: [((), seen.step)]),
    ("done_ratio", "Spent fraction of what the state takes.", (), lambda seen: [((), seen.done)]),
    ("step_seconds", "Of the last step.", (), lambda seen: [((), seen.seconds_per_step)]),
    ("loss", "The last step's mean loss.", ("loss",),
     lambda seen: [((name,), value) for name, value in seen.losses.items()]),
    ("state", "1 for the state it is in, else 0.", ("state",),
     lambda seen: [((str(state),), float(state is seen.state)) for state in TrainingState]),
)  # fmt: skip


class TrainingMetrics(Collector):
    """The last look at each training."""

    def __init__(self) -> None:
        self._seen: dict[str, TrainingStatus] = {}

    def see(self, status: TrainingStatus) -> None:
        """Show this from now on, in place of what was seen of the training before."""
        self._seen = {**self._seen, status.training: status}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        seen = self._seen.values()
        for name, words, labels, values in _TABLE:
            family = GaugeMetricFamily(
                f"bodyswap_training_{name}", words, labels=[*_LABELS, *labels]
            )
            for status in seen:
                for own, value in values(status):
                    family.add_metric([status.training, status.subject, *own], value)
            yield family
