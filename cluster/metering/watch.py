"""Whatever stands beside a controller and watches it: metrics, accounts, traces; put together here.

A controller does as well without.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bodyswap.environment import tracing_is_wanted
from bodyswap.errors import UsageError
from cluster.jobs.progress import JobStatus
from cluster.metering.accountant import Accountant
from cluster.metering.exporter import left_in, served
from cluster.metering.farm_meter import Decide, FarmMeter
from cluster.metering.job_meter import Tracer
from cluster.stores.store import Store
from cluster.workers.runtime import Runtime


class Watch:
    """What a controller is given in place of its own: a runtime, deciding, who hears of jobs."""

    def __init__(self, store: Store, tracer: Tracer | None = None) -> None:
        self.meter = FarmMeter(store, tracer=tracer)
        self._accountant = Accountant(store, self.meter.meters, kind_of=self.meter.figures.kind_of)

    def runtime(self, runtime: Runtime) -> Runtime:
        return self.meter.metered(runtime)

    def deciding(self, decide_next: Decide) -> Decide:
        return self.meter.deciding(self._accountant.deciding(decide_next))

    def hear(self, status: JobStatus) -> None:
        self.meter.hear(status)


@contextmanager
def open_watch(store: Store, address: str | None, left: Path | None) -> Iterator[Watch]:
    """A watch whose metrics are served at `address` or left in the file `left`, or neither.

    Raises:
        UsageError: traces are wanted, and what tells of them is not installed.
    """
    with ExitStack() as stack:
        watch = Watch(store, _wanted_tracer(stack))
        collector = watch.meter.collector
        stack.enter_context(served([collector], None if left else address))
        stack.enter_context(left_in(collector, left))
        yield watch


def _wanted_tracer(stack: ExitStack) -> Tracer | None:
    if not tracing_is_wanted():
        return None
    try:
        # Optional, and heavy.
        from cluster.metering.tracing import otlp_tracer
    except ImportError as error:
        raise UsageError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, but {error}; install bodyswap[tracing]"
        ) from error
    return stack.enter_context(otlp_tracer())
