"""A job and its attempts are one trace, the one that their logs name."""

from pathlib import Path

import pytest
from command_line import run_command
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tiny_farm import make_farm
from tiny_pipeline import Trouble

from cluster.farm.controller import Controller
from cluster.farm.decide import decide
from cluster.jobs.trace_id import root_span_of, trace_of
from cluster.metering.tracing import Tracer
from cluster.metering.watch import Watch
from cluster.workers.inline import InlineRuntime


def test_a_jobs_trace_holds_it_and_every_attempt_at_its_shards(tmp_path: Path) -> None:
    farm, told = make_farm(tmp_path), InMemorySpanExporter()
    trouble = Trouble(kind="bug", at=17, once=str(tmp_path / "once"))
    job = farm.client.submit(farm.request(trouble=trouble))
    with Tracer(told) as tracer:
        watch = Watch(farm.store, tracer)
        crew = watch.runtime(InlineRuntime(farm.worker_config))
        Controller(
            store=farm.store, runtime=crew, on_status=watch.hear, decide_next=watch.deciding(decide)
        ).run_until_final(job)
        crew.close()
        tracer._provider.force_flush()
        spans = told.get_finished_spans()
    assert {format(span.context.trace_id, "032x") for span in spans} == {trace_of(job)}
    assert len({span.context.span_id for span in spans}) == len(spans)
    (root,) = [span for span in spans if span.parent is None]
    assert format(root.context.span_id, "016x") == root_span_of(job)
    assert root.attributes and root.attributes["bodyswap.outcome"] == "published"
    attempts = [span for span in spans if span.parent is not None]
    assert {span.parent.span_id for span in attempts if span.parent} == {root.context.span_id}
    failed = [span for span in attempts if span.status.status_code is StatusCode.ERROR]
    assert [span.name for span in failed] == ["render 1"]
    assert len(attempts) == len(farm.client.logs(job))
    assert all(span.start_time <= span.end_time for span in spans)  # type: ignore[operator]


def test_what_is_wanted_but_cannot_be_told_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(__import__("sys").modules, "cluster.metering.tracing", None)
    code, _, said = run_command(
        capsys, "work", "--runtime", "inline", "--store", tmp_path / "store"
    )
    assert code != 0 and "install bodyswap[tracing]" in said
