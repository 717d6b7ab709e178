import json

import pytest

from bodyswap.terminal import WorkSeen, show_progress


def _seen(stage: str, done: int) -> WorkSeen:
    return WorkSeen(
        stage=stage, done=done, total=100, shards_done=1, shards_total=4, rate_per_s=12.5,
        left_s=75,
    )  # fmt: skip


def test_a_log_gets_few_lines_but_every_stage_and_every_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with show_progress(as_json=False) as show:
        for stage in ("posing", "rendering"):
            for done in range(101):
                show(_seen(stage, done))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "posing: 0/100 frames, shards 1/4, 12.5 frames/s, 1:15 left"
    assert [line.split(",")[0] for line in lines] == [
        "posing: 0/100 frames",
        "posing: 100/100 frames",
        "rendering: 0/100 frames",
        "rendering: 100/100 frames",
    ]


def test_a_program_gets_every_moment_as_json_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(as_json=True) as show:
        show(_seen("posing", 3))
        show(_seen("posing", 4))
    captured = capsys.readouterr()
    assert captured.out == ""
    moments = [json.loads(line) for line in captured.err.splitlines()]
    assert [moment["done"] for moment in moments] == [3, 4]
    assert moments[0]["left_s"] == 75
