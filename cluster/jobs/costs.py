"""What workers' time costs, and what it may come to: the operator's rates, and a job's account.

Pure: it does not know where either is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bodyswap.errors import UsageError

FRAMES_A_MINUTE = 24 * 60
"""A finished minute, whatever the plate's own rate: prices are to be compared."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The operator's farm/costs.yaml: rates by kind of worker, budgets by project.

    A kind without a rate costs nothing; workers' kinds are cpu, gpu, or what
    $BODYSWAP_WORKER_KIND names.
    """

    currency: str = ""
    rates_per_hour: Mapping[str, float] = field(default_factory=dict)
    budgets: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, values in (("rate", self.rates_per_hour), ("budget", self.budgets)):
            for name, value in values.items():
                if not value >= 0:
                    raise UsageError(f"the {what} of '{name}' is {value}; give 0 or more")

    def of(self, kind: str, seconds: float) -> float:
        return self.rates_per_hour.get(kind, 0.0) * seconds / 3600.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a job or a project has cost so far, failed attempts too."""

    amount: float = 0.0
    currency: str = ""
    worker_s: Mapping[str, float] = field(default_factory=dict)

    def charged(self, kind: str, seconds: float, costs: Costs) -> "Account":
        """The same after so much more of a worker's time."""
        had = self.worker_s.get(kind, 0.0)
        return replace(
            self,
            amount=self.amount + costs.of(kind, seconds),
            currency=costs.currency,
            worker_s={**self.worker_s, kind: had + seconds},
        )

    def a_minute(self, frames: int) -> float:
        """Of `FRAMES_A_MINUTE` finished frames, where `frames` were finished."""
        return self.amount / frames * FRAMES_A_MINUTE

    def sentence(self, frames: int | None = None) -> str:
        """The account in words; with `frames`, what a finished minute came to."""
        hours = " + ".join(
            f"{seconds / 3600:.2f} {kind} hours" for kind, seconds in sorted(self.worker_s.items())
        )
        if not self.currency:
            return f"took {hours}"
        money = told(self.amount, self.currency)
        a_minute = f", {told(self.a_minute(frames), self.currency)} a minute" if frames else ""
        return f"cost {money} ({hours}{a_minute})"


def told(amount: float, currency: str) -> str:
    return f"{amount:.2f} {currency}".rstrip()


def overspent(spent: Account, budget: float | None, *, whose: str) -> str:
    """Why to pause, in words; empty where the budget is not spent."""
    if budget is None or spent.amount < budget:
        return ""
    of = told(budget, spent.currency)
    return f"{whose} budget of {of} is spent ({told(spent.amount, spent.currency)})"
