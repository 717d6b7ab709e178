"""What goes wrong in one simulated history, drawn from its seed."""

import random
from dataclasses import dataclass, field

FAULTS_END_AT_S = 400.0
"""From here on nothing new goes wrong, and whatever is not done must come to an end."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Probabilities are per occasion; the seconds are upper bounds of what is drawn each time."""

    store_fails: float = 0.0
    store_delay_s: float = 0.02
    store_outages_s: tuple[tuple[float, float], ...] = ()
    worker_dies: float = 0.0
    worker_hangs: float = 0.0
    worker_cut_off: float = 0.0
    attempt_fails: float = 0.0
    report_lost: float = 0.0
    report_repeated: float = 0.0
    report_delay_s: float = 0.2
    controllers_die_at_s: tuple[float, ...] = ()
    node_dies_at_s: tuple[float, ...] = ()
    zombie_lives_s: float = 0.0
    clock_skew_s: float = 0.0
    poison_shards: frozenset[str] = field(default_factory=frozenset)
    broken_workers: int = 0


def draw_faults(dice: random.Random, shard_names: list[str]) -> Faults:
    """Some kinds of fault, each as often as not absent: rare combinations are met too."""

    def maybe(highest: float) -> float:
        return dice.choice((0.0, 0.0, highest / 4, highest)) * dice.random()

    def moments(most: int) -> tuple[float, ...]:
        return tuple(dice.uniform(0.0, FAULTS_END_AT_S) for _ in range(dice.randint(0, most)))

    outages = tuple((at_s, at_s + dice.uniform(1.0, 60.0)) for at_s in moments(1))
    poison = dice.sample(shard_names, 1) if dice.random() < 0.15 else []
    return Faults(
        store_fails=maybe(0.08),
        store_delay_s=dice.choice((0.02, 0.02, 0.5, 5.0)),
        store_outages_s=outages if dice.random() < 0.3 else (),
        worker_dies=maybe(0.1),
        worker_hangs=maybe(0.05),
        worker_cut_off=maybe(0.1),
        attempt_fails=maybe(0.2),
        report_lost=maybe(0.1),
        report_repeated=maybe(0.5),
        report_delay_s=dice.choice((0.2, 0.2, 2.0, 30.0)),
        controllers_die_at_s=moments(3) if dice.random() < 0.5 else (),
        node_dies_at_s=moments(2) if dice.random() < 0.3 else (),
        zombie_lives_s=dice.choice((0.0, 5.0, 60.0)),
        clock_skew_s=dice.choice((0.0, 0.0, 2.0, 4000.0)),
        poison_shards=frozenset(poison),
        broken_workers=int(dice.random() < 0.15),
    )
