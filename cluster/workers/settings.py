"""What a farm's workers are given of its machines, as an operator's file says.

It does not know how any of it is asked for.
"""

from dataclasses import dataclass, field
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.settings_text import read_yaml, settings_from
from cluster.jobs.job import Stage

Resources = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class FarmSettings:
    """`address` is a Ray cluster's; without one the farm starts its own Ray on this machine.

    A worker of a stage in `resources` asks for that much: cpu, gpu, memory_gib, or whatever the
    nodes call their own (`render_node: 1`). Stages that ask for the same share workers, at most
    `workers` of each kind. A worker is replaced by a fresh one after `orders_a_life` shards, or
    when a shard leaves it with more than `most_memory_gib`. With `autoscale`, Ray is asked for what
    the queue needs, and workers leave after `idle_s` without work.
    """

    address: str | None = None
    workers: int | None = None
    resources: dict[str, Resources] = field(default_factory=dict)
    orders_a_life: int = 64
    most_memory_gib: float | None = None
    autoscale: bool = False
    idle_s: float = 120.0

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"{self.workers} workers were asked for; give at least 1")
        if self.orders_a_life < 1:
            raise UsageError(f"orders_a_life is {self.orders_a_life}; give at least 1")
        for stage, asked in self.resources.items():
            if stage not in list(Stage):
                raise UsageError(f"'{stage}' is no stage; choose one of {', '.join(Stage)}")
            for name, amount in asked.items():
                if not amount >= 0 or (amount > 1 and amount != int(amount)):
                    raise UsageError(
                        f"resources.{stage}.{name} is {amount}; give a part of 1 or a whole number"
                    )

    def of(self, stage: Stage) -> Resources | None:
        """What a worker of that stage asks for; None where nothing is said of it."""
        return self.resources.get(stage)


def read_farm_settings(path: Path) -> FarmSettings:
    """The settings in the file. Raises UsageError where something in it is not as it must be."""
    values = read_yaml(path)
    resources = values.pop("resources", None) or {}
    settings = settings_from(FarmSettings, values, of="farm.")
    return FarmSettings(**{**vars(settings), "resources": _numbers(resources)})


def _numbers(resources: object) -> dict[str, Resources]:
    if not isinstance(resources, dict):
        raise UsageError(f"resources is '{resources}'; give what each stage asks for")
    found: dict[str, Resources] = {}
    for stage, asked in resources.items():
        if not isinstance(asked, dict) or not all(
            isinstance(amount, int | float) for amount in asked.values()
        ):
            raise UsageError(f"resources.{stage} is '{asked}'; give numbers, such as {{gpu: 0.5}}")
        found[str(stage)] = {str(name): float(amount) for name, amount in asked.items()}
    return found
