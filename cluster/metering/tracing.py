"""Jobs and attempts as OpenTelemetry spans: the only place that imports its SDK, if it is wanted.

Ids are `trace_id`'s, made of what they name: a span of an attempt and the line in its log carry the
same trace, and a controller that takes over goes on in the traces of the one before.
"""

from types import TracebackType
from typing import Self

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.lease import Lease
from cluster.jobs.listing import names_of
from cluster.jobs.trace_id import root_span_of, span_of, trace_of

_GOOD = ("committed", JobState.PUBLISHED)


class Tracer:
    """Tells an exporter of spans when they are over. Leave it as a context to have all told."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._ids = _NamedIds()
        self._provider = TracerProvider(
            id_generator=self._ids, resource=Resource.create({"service.name": "bodyswap"})
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bodyswap")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._provider.shutdown()

    def attempt(self, lease: Lease, began_s: float, ended_s: float, outcome: str) -> None:
        """One attempt at a shard, from its lease to its end."""
        self._ids.next_span = span_of(lease)
        self._tell(
            lease.job, f"{lease.shard.stage} {lease.shard.index}", began_s, ended_s, outcome,
            {"attempt": lease.attempt, "worker": lease.worker, "frames": str(lease.shard.frames)},
            is_root=False,
        )  # fmt: skip

    def job(self, spec: JobSpec, began_s: float, ended_s: float, state: JobState) -> None:
        """The whole job, from its submission to its end."""
        self._ids.next_trace, self._ids.next_span = trace_of(spec.job), root_span_of(spec.job)
        names = {"name": spec.name, "project": spec.project, "subject": names_of(spec)}
        self._tell(spec.job, "job", began_s, ended_s, state, names, is_root=True)

    def _tell(
        self, job: str, name: str, began_s: float, ended_s: float, outcome: str,
        facts: dict[str, str], *, is_root: bool,
    ) -> None:  # fmt: skip
        span = self._tracer.start_span(
            name,
            context=None if is_root else set_span_in_context(NonRecordingSpan(_root_of(job))),
            start_time=_nanoseconds(began_s),
            attributes={f"bodyswap.{key}": value for key, value in facts.items()}
            | {"bodyswap.job": job, "bodyswap.outcome": outcome},
        )
        if outcome not in _GOOD:
            span.set_status(Status(StatusCode.ERROR, outcome))
        span.end(_nanoseconds(ended_s))


class _NamedIds(IdGenerator):
    """Hands out the ids that were laid ready."""

    def __init__(self) -> None:
        self.next_trace = self.next_span = ""

    def generate_trace_id(self) -> int:
        return int(self.next_trace, 16)

    def generate_span_id(self) -> int:
        return int(self.next_span, 16)


def otlp_tracer() -> Tracer:
    """One that tells the collector of the standard OTEL_EXPORTER_OTLP_... environment."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return Tracer(OTLPSpanExporter())


def _root_of(job: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace_of(job), 16),
        span_id=int(root_span_of(job), 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
