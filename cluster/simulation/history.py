"""One simulated history: from a seed to a farm's life under faults, and the auditor's judgement.

`run(seed)` is all there is to know: the same seed gives the same history, wherever it runs.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from cluster.farm.controller import Controller, Decide
from cluster.farm.decide import Action, decide
from cluster.farm.term import Term
from cluster.jobs.control import Request, Verb
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.journal import Entry, Journal
from cluster.jobs.keys import QUEUE, SHARES, JobKeys, queue_marker, request_marker, time_part
from cluster.jobs.plan import make_plan
from cluster.jobs.snapshot import Snapshot
from cluster.simulation.auditor import Auditor
from cluster.simulation.drawing import EPOCH_S, draw_jobs, draw_more, shares, written
from cluster.simulation.faults import FAULTS_END_AT_S, Faults, draw_faults
from cluster.simulation.past import TakeOver, take_over
from cluster.simulation.runtime import SimulatedRuntime
from cluster.simulation.store import Killed, Objects, Pulse, StoreSeen
from cluster.simulation.violation import ViolationError
from cluster.simulation.worker import Crew, Finish, finish
from cluster.simulation.world import World
from cluster.stores.record import to_json

_STUCK_AFTER_S = 40_000.0
_SETTLING_S = 3_000.0
_FIRST_TICK_S = 1.0
_LONGEST_TICK_S = 60.0
_ASKED_FOR_AGAIN = (*(f"render-{n}" for n in range(5)), "assemble-0")
_MORE = "more"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The farm's own deciding and committing, or a wrong one that the auditor has to catch."""

    decide: Decide = decide
    finish: Finish = finish
    take_over: TakeOver = take_over


REAL = Variant()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a history came to. `violation` is empty where all went well."""

    seed: int
    violation: str
    tally: Counter[str]
    lasted_s: float


def run(seed: int, variant: Variant = REAL) -> Outcome:
    """Live through the history of `seed`."""
    history = _History(seed, variant)
    try:
        history.live()
        violation = ""
    except (ViolationError, AssertionError) as error:
        violation = str(error) or "an assertion does not hold"
    tally = history.auditor.tally
    tally["store requests"] = history.objects.requests
    return Outcome(seed=seed, violation=violation, tally=tally, lasted_s=history.world.now_s)


class _History:
    def __init__(self, seed: int, variant: Variant) -> None:
        self.world = World(seed)
        self.objects = Objects()
        self.auditor = Auditor(self.objects, lambda: self.world.now_s)
        dice = self.world.random
        self._specs = draw_jobs(dice)
        # Drawn apart, so that histories without any of it stay what they were.
        self._more = random.Random(f"{_MORE} {seed}")
        self._has_more = self._more.random() < 0.5
        if self._has_more:
            self._specs = draw_more(self._more, self._specs)
        names = [s.name for spec in self._specs for s in make_plan(spec, workers=1).all_shards]
        self.faults = draw_faults(dice, names)
        self.crew = Crew(
            world=self.world,
            objects=self.objects,
            faults=self.faults,
            finish=variant.finish,
            take_over=variant.take_over if self._has_more else None,
        )
        self.decide = variant.decide
        self._asked_until_s = 61.0
        self.has_terms = dice.random() < 0.5
        self.workers = dice.randint(1, 4)
        self.planned_for = self._more.randint(1, self.workers) if self._has_more else self.workers
        self._people = StoreSeen(self.objects, self.world, Faults())

    def live(self) -> None:
        """Let everything happen until every job is over, and audit the end."""
        world, dice = self.world, self.world.random
        if dice.random() < 0.3:
            self._people.put(SHARES, shares())
        for spec in self._specs:
            self.auditor.expect(spec)
            world.after(dice.choice((0.0, dice.uniform(0.0, 60.0))), partial(self._submit, spec))
        lives = [_Life(self, f"c{n}") for n in range(1 if dice.random() < 0.7 else 2)]
        for at_s in self.faults.controllers_die_at_s:
            world.after(at_s, dice.choice(lives).kill)
        for at_s in self.faults.node_dies_at_s:
            world.after(at_s, dice.choice(lives).kill_node)
        self._plan_requests(dice)
        while not (self.auditor.is_over and world.now_s > self._asked_until_s):
            if world.now_s > _STUCK_AFTER_S or not world.happen():
                break
        settled_by_s = world.now_s + _SETTLING_S
        while self.objects.list_keys(QUEUE) and world.now_s < settled_by_s and world.happen():
            pass
        self.auditor.close()

    def _submit(self, spec: JobSpec) -> None:
        self._people.put_if_absent(JobKeys(job=spec.job).spec, written(spec))
        at_s = EPOCH_S + self.world.now_s
        Journal(self._people, spec.job).open(Entry(state=JobState.SUBMITTED, at_s=at_s, by="kim"))
        self._people.put(queue_marker(spec, time_part(at_s)), b"")
        if self._has_more:
            for _ in range(self._more.choice((0, 2, 6))):
                delay_s = self._more.uniform(20.0, 120.0)
                self._asked_until_s = max(self._asked_until_s, self.world.now_s + delay_s)
                shards = [name for name in _ASKED_FOR_AGAIN if self._more.random() < 0.5]
                again = partial(self._ask, spec, Verb.RETRY, {"shards": shards})
                self.world.after(delay_s, again)

    def _plan_requests(self, dice: random.Random) -> None:
        for spec in self._specs:
            for _ in range(dice.choice((0, 0, 0, 1, 3))):
                verb = dice.choice(list(Verb))
                at_s = dice.uniform(61.0, FAULTS_END_AT_S)
                self._asked_until_s = max(self._asked_until_s, at_s)
                self.world.after(at_s, partial(self._ask, spec, verb))
            # Whoever pauses a job lets it go on some day.
            self.world.after(FAULTS_END_AT_S + 1.0, partial(self._ask, spec, Verb.RESUME))

    def _ask(
        self, spec: JobSpec, verb: Verb, arguments: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        told: dict[str, object] = dict(arguments)
        if verb is Verb.PRIORITY:
            told["priority"] = 70
        request = Request(verb=verb, by="kim", at=EPOCH_S + self.world.now_s, arguments=told)
        # Its key is drawn from the seed too, so that histories can be repeated.
        stamp = time_part(request.at)
        token = f"{self.world.random.getrandbits(32):08x}"
        folder = JobKeys(job=spec.job).control
        self._people.put(f"{folder}{stamp}-{token}-{verb}.json", to_json(request))
        self._people.put(request_marker(spec.job, stamp), b"")


class _Life:
    """A controller that is started again each time it dies."""

    def __init__(self, history: _History, name: str) -> None:
        self._history = history
        self._name = name
        self._lives = 0
        self._pulse = Pulse(beats=False)
        self._has_acted = False
        self._start()

    def kill(self) -> None:
        """Wherever it is: between two steps, or within a call to the store."""
        if self._pulse.beats:
            self._pulse.stop()
            self._runtime.close()
            self._history.world.after(self._history.world.random.uniform(1.0, 20.0), self._start)

    def kill_node(self) -> None:
        self._runtime.kill_node()

    def _start(self) -> None:
        history, world = self._history, self._history.world
        self._lives += 1
        pulse = self._pulse = Pulse()
        name = f"{self._name}.{self._lives}"
        skew_s = world.random.uniform(-1.0, 1.0) * history.faults.clock_skew_s
        self._runtime = SimulatedRuntime(
            name, history.workers, history.crew, history.auditor.ordered,
            capacity=history.planned_for,
        )  # fmt: skip
        store = StoreSeen(history.objects, world, history.faults, pulse=pulse, takes_time=True)

        def clock() -> float:
            return EPOCH_S + world.now_s + skew_s

        controller = Controller(
            store=store,
            runtime=self._runtime,
            clock=clock,
            name=name,
            decide_next=self._decide,
            term=Term(store, name, clock) if history.has_terms else None,
        )
        world.after(0.0, partial(self._tick, controller, name, pulse, _FIRST_TICK_S))

    def _decide(self, snapshot: Snapshot) -> list[Action]:
        actions = self._history.decide(snapshot)
        self._history.auditor.decided(snapshot, actions)
        self._has_acted = bool(actions)
        return actions

    def _tick(self, controller: Controller, name: str, pulse: Pulse, pause_s: float) -> None:
        if not pulse.beats:
            return
        is_quiet = not self._runtime.has_news
        self._has_acted = False
        self._history.auditor.woke(name)
        try:
            controller.tend(0.0)
        except Killed:
            return
        # Where nothing happens it looks less often: a stall of half an hour is found as well.
        is_quiet = is_quiet and not self._has_acted
        pause_s = min(_LONGEST_TICK_S, pause_s * 2.0) if is_quiet else _FIRST_TICK_S
        self._history.world.after(pause_s, partial(self._tick, controller, name, pulse, pause_s))
