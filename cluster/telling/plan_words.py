"""An estimate as a table for people and as JSON for programs. It does not know how it is made."""

import json
from dataclasses import asdict

from bodyswap.terminal import say
from cluster.jobs.estimate import Estimate, Span, StageEstimate
from cluster.telling.sentence_parts import counted, named, span

_UNKNOWN = "not known"


def tell_plan(estimate: Estimate, *, as_json: bool) -> None:
    """Say what a job would come to."""
    if as_json:
        told = asdict(estimate) | {
            "work": estimate.work and asdict(estimate.work),
            "wall": estimate.wall and asdict(estimate.wall),
        }
        say(json.dumps(told))
        return
    for line in plan_lines(estimate):
        say(line)


def plan_lines(estimate: Estimate) -> list[str]:
    """What the job is, its stages, and what they come to."""
    state = "not in the store" if estimate.state is None else str(estimate.state)
    rows = [("stage", "shards", "longest", "worker time", "time"), *map(_row, estimate.stages)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        f"job {estimate.job} ({estimate.name}), {state}: {counted(estimate.frames, 'frame')},"
        f" {_for_whom(estimate)}",
        *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows),
        _in_all(estimate),
        *(_measured(stage) for stage in estimate.stages),
        *estimate.assumed,
    ]


def _for_whom(estimate: Estimate) -> str:
    workers = counted(estimate.workers, "worker")
    if estimate.is_farms:
        return f"on the {workers} that the farm has"
    return f"on {workers}"


def _row(stage: StageEstimate) -> tuple[str, ...]:
    own = stage.shards_done - stage.shards_reused
    told = [f"{own} done"] * bool(own)
    told += [f"{stage.shards_reused} reused"] * bool(stage.shards_reused)
    done = f" ({', '.join(told)})" if told else ""
    longest = f"{stage.longest_shard_frames} frames"
    return str(stage.stage), f"{stage.shards}{done}", longest, _told(stage.work), _told(stage.wall)


def _told(time: Span | None) -> str:
    if time is None:
        return _UNKNOWN
    least, expected, most = (span(s) for s in (time.least_s, time.expected_s, time.most_s))
    return expected if least == most else f"{expected} ({least} to {most})"


def _in_all(estimate: Estimate) -> str:
    work, wall = estimate.work, estimate.wall
    if work is None or wall is None:
        stages = [str(stage) for stage in estimate.unmeasured]
        return (
            f"in all: {_UNKNOWN}, for no job of this store has measured {named(stages)} yet;"
            " render one, and it will be"
        )
    return (
        f"in all: {_told(wall)}, and {work.expected_s / 3600:.2g} worker-hours,"
        " if the workers are free and nothing fails"
    )


def _measured(stage: StageEstimate) -> str:
    rate = stage.rate
    if rate is None:
        return f"{stage.stage}: never measured in this store"
    return (
        f"{stage.stage}: {rate.frames_per_s:.3g} frames/s a worker, from"
        f" {counted(rate.shards, 'shard')} of {counted(rate.jobs, 'job')} {rate.likeness.words}"
    )
