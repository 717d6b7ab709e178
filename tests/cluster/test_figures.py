"""What is measured is the attempt's own, whoever asks, and lost nowhere."""

from itertools import pairwise

from bodyswap.steps import step
from bodyswap.timing import FrameRange
from cluster.jobs.figures import Figures, Gauge
from cluster.jobs.job import Stage
from cluster.jobs.lease import Lease
from cluster.jobs.plan import Shard
from cluster.stores.tally import TALLY


def _lease(epoch: int) -> Lease:
    shard = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=8))
    return Lease(job="j", shard=shard, epoch=epoch, worker="w")


def test_a_heartbeat_before_its_attempt_begins_has_no_figures_of_the_one_before() -> None:
    gauge = Gauge()
    with gauge.measuring(_lease(1)):
        gauge.counting(lambda done: None)(8)
    assert gauge.read(_lease(1)) is not None
    assert gauge.read(_lease(2)) is None
    with gauge.measuring(_lease(2)):
        begun = gauge.read(_lease(2))
    assert begun is not None and begun.frames == 0


def test_what_is_asked_of_the_store_between_two_attempts_is_the_next_ones() -> None:
    gauge = Gauge()
    with gauge.measuring(_lease(1)):
        TALLY.asked("Between", "ok")
    assert gauge.close().tallied.requests["Between ok"] >= 1
    TALLY.asked("Between", "ok")
    with gauge.measuring(_lease(2)):
        TALLY.asked("Between", "ok")
    assert gauge.close().tallied.requests["Between ok"] == 2


def test_heartbeats_add_up_to_the_whole_however_many_are_lost() -> None:
    gauge, told = Gauge(), [Figures()]
    with gauge.measuring(_lease(1)):
        for done in range(1, 9):
            with step("render"):
                gauge.counting(lambda done: None)(done)
            if done in (3, 8):
                told.append(gauge.read(_lease(1)) or Figures())
    added = [now.since(before) for before, now in pairwise(told)]
    assert [each.frames for each in added] == [3, 5]
    assert sum(each.step_s["render"] for each in added) == told[-1].step_s["render"]
