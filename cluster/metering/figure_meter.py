"""What workers measured, out of their reports and into the farm's metrics.

It does not know how reports travel, nor what a job is.
"""

from collections import defaultdict

from cluster.jobs.figures import Figures, this_process
from cluster.jobs.lease import Lease
from cluster.jobs.order import Progressed, Report
from cluster.metering.metrics import Meters
from cluster.stores.tally import TALLY, Tallied

_WASTEFUL = {"warm-up": "warm-up", "mend": "repair"}


class FigureMeter:
    """Remembers the last figures of every attempt under way."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._figures: dict[Lease, Figures] = {}
        self._kinds: dict[str, str] = {}
        self._peaks: defaultdict[str, float] = defaultdict(float)
        self._own = Tallied()

    def hear(self, report: Report) -> None:
        """Count what was added since the attempt's report before."""
        figures = report.figures
        if figures is not None:
            before = self._figures.get(report.lease, Figures())
            self._count(report.lease, figures.since(before))
            self._figures[report.lease] = figures
            self._kinds[report.lease.worker] = figures.kind
        if not isinstance(report, Progressed):
            self._figures.pop(report.lease, None)

    def kind_of(self, lease: Lease) -> str | None:
        """What kind of worker has the lease; None until that was heard."""
        return self._kinds.get(lease.worker)

    def count_own(self) -> None:
        """Count what this process itself has asked of the store since."""
        now = TALLY.read()
        count_tallied(self._meters, now.since(self._own))
        self._own = now

    def _count(self, lease: Lease, added: Figures) -> None:
        stage, add = lease.shard.stage, self._meters.add
        add("frames", added.frames, stage)
        add("work_seconds", added.work_s, stage, added.kind)
        add("device_seconds", added.device_s, stage)
        for step, seconds in added.step_s.items():
            add("step_seconds", seconds, stage, step)
            if step in _WASTEFUL:
                add("wasted_seconds", seconds, _WASTEFUL[step])
        for memory, peak in added.peak_bytes.items():
            self._peaks[memory] = max(self._peaks[memory], peak)
            self._meters.put("peak_memory_bytes", self._peaks[memory], memory)
        # A worker inside this process counts where this process does.
        if added.process != this_process():
            count_tallied(self._meters, added.tallied)


def count_tallied(meters: Meters, added: Tallied) -> None:
    """Count requests of the store, bytes and refusals."""
    for name, count in added.requests.items():
        operation, _, outcome = name.partition(" ")
        meters.add("store_requests", count, operation, outcome)
    for direction, count in added.bytes.items():
        meters.add("store_bytes", count, direction)
    for reason, count in added.refusals.items():
        meters.add("consent_refusals", count, reason)
