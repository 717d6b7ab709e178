"""A crew of simulated workers behind the `Runtime` protocol, with a network that cannot be trusted.

Reports come late, out of order, twice, or never; a worker that is cut off cannot be stopped and
goes on unheard.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from cluster.jobs.failures import death
from cluster.jobs.job import Stage
from cluster.jobs.node import Node
from cluster.jobs.order import Ending, Failed, Order, Progressed, Report
from cluster.simulation.faults import FAULTS_END_AT_S
from cluster.simulation.worker import Crew, Process

OnStart = Callable[[Order, list[Process]], None]

_DEATH_HEARD_WITHIN_S = 30.0
_REACHED_AGAIN_AFTER_S = 300.0
_EVERYTHING = frozenset(Stage)


class SimulatedRuntime:
    """`count` workers whose names begin with `name`. `on_start` is told of every order given.

    Jobs are planned for `capacity` workers, where that is another number: then some came later.
    """

    def __init__(
        self, name: str, count: int, crew: Crew, on_start: OnStart, *, capacity: int | None = None
    ) -> None:
        self._name = name
        self._crew = crew
        self._on_start = on_start
        self._hired = 0
        self._processes: dict[str, Process] = {}
        self._orders: dict[str, Order] = {}
        self._capacity = capacity or count
        self._inbox: list[Report | Process] = []
        self._is_heard = True
        for _ in range(count):
            self._hire()

    @property
    def capacity(self) -> int:
        return self._capacity

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(self._processes)

    @property
    def idle_workers(self) -> tuple[str, ...]:
        return tuple(name for name in self._processes if name not in self._orders)

    @property
    def has_news(self) -> bool:
        """True where `poll` would tell something."""
        return bool(self._inbox)

    @property
    def nodes(self) -> tuple[Node, ...]:
        return ()

    @property
    def leaving_nodes(self) -> tuple[str, ...]:
        return ()

    def stages_of(self, worker: str) -> frozenset[Stage]:
        return _EVERYTHING

    def want(self, shards: Mapping[Stage, int]) -> None:
        """Its crew is always there."""

    def rest(self) -> None:
        """Its workers are stopped one by one."""

    def drain(self, nodes: Collection[str]) -> None:
        """Its nodes die without notice."""

    def start(self, worker: str, order: Order) -> None:
        assert worker in self.idle_workers, f"{worker} is not idle"
        self._on_start(order, list(self._processes.values()))
        self._orders[worker] = order
        process = self._processes[worker]
        self._crew.world.after(self._delay_s(), partial(process.begin, order))
        self._watch(process)

    def stop(self, worker: str) -> None:
        process = self._processes.get(worker)
        if process is not None and not process.is_cut_off:
            self._crew.world.after(self._delay_s(), process.kill)

    def poll(self, timeout_s: float) -> list[Report]:
        reports = []
        inbox, self._inbox = self._inbox, []
        for item in inbox:
            report = self._bury(item) if isinstance(item, Process) else item
            if isinstance(report, Ending):
                current = self._orders.get(report.lease.worker)
                if current is not None and current.lease == report.lease:
                    del self._orders[report.lease.worker]
            if report is not None:
                reports.append(report)
        return reports

    def close(self) -> None:
        """The controller is dead: nothing is heard, and the workers end, some of them later."""
        self._is_heard = False
        for process in self._processes.values():
            lives_s = self._crew.world.random.random() * self._crew.faults.zombie_lives_s
            self._crew.world.after(lives_s, process.kill)

    def kill_node(self) -> None:
        """Half of the workers die at once."""
        for process in list(self._processes.values())[::2]:
            process.kill()

    def _hire(self) -> None:
        self._hired += 1
        name = f"{self._name}w{self._hired}"
        is_broken = self._hired <= self._crew.faults.broken_workers
        self._processes[name] = Process(name, self._crew, self._tell, is_broken=is_broken)

    def _watch(self, process: Process) -> None:
        """Notice a death some time after it."""
        world = self._crew.world
        if not self._is_heard or self._processes.get(process.name) is not process:
            return
        if process.is_alive and process.name not in self._orders:
            return
        if not process.is_alive:
            self._inbox.append(process)
            return
        if process.is_cut_off and world.now_s >= FAULTS_END_AT_S:
            world.after(_REACHED_AGAIN_AFTER_S, process.kill)
        world.after(world.random.uniform(1.0, _DEATH_HEARD_WITHIN_S), partial(self._watch, process))

    def _bury(self, process: Process) -> Report | None:
        if self._processes.get(process.name) is not process:
            return None
        del self._processes[process.name]
        self._hire()
        order = self._orders.pop(process.name, None)
        if order is None:
            return None
        failure = death(worker=process.name, at_s=self._crew.world.now_s, evidence="signal 9")
        return Failed(lease=order.lease, failure=failure)

    def _tell(self, report: Report) -> None:
        """What a worker says, on its way; a worker that is cut off talks to itself."""
        world, faults = self._crew.world, self._crew.faults
        process = self._processes.get(report.lease.worker)
        is_peace = world.now_s >= FAULTS_END_AT_S
        if process is None or process.is_cut_off:
            return
        if not is_peace and world.chance(faults.report_lost):
            return
        if isinstance(report, Progressed) and not self._is_heard:
            return
        copies = 1 + (not is_peace and world.chance(faults.report_repeated))
        for _ in range(copies):
            world.after(self._delay_s(), partial(self._arrive, report))

    def _arrive(self, report: Report) -> None:
        if self._is_heard:
            self._inbox.append(report)

    def _delay_s(self) -> float:
        return self._crew.world.random.random() * self._crew.faults.report_delay_s
