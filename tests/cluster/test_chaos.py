"""A real farm on real Ray is killed at, and delivers what a quiet one does."""

from pathlib import Path

from chaos import wreak

from cluster.jobs.job import JobState


def test_whoever_is_killed_the_shots_are_those_of_a_quiet_run(tmp_path: Path) -> None:
    chaos = wreak(tmp_path, kills=4, seed=1, patience_s=900)
    assert set(chaos.states) == {JobState.PUBLISHED}, chaos
    assert chaos.different == () and chaos.leaked == () and chaos.orphans == ()
    assert sum(chaos.kills.values()) >= 4 and len(chaos.kills) > 1, chaos.kills
