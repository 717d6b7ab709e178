"""A training killed for good, by SIGKILL, ends like an undisturbed one: bit for bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bodyswap.nets.checkpoint import Subject
from bodyswap.training.loop import STATES
from tests.training.killed_training import assert_same_end, train_film

PROGRAM = Path(__file__).parent / "killed_training.py"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Subject]:
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("whole")
    return out, train_film(out)


def _start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _states(out: Path) -> list[str]:
    return sorted(path.name for path in (out / STATES).iterdir())


def test_a_process_killed_from_outside_goes_on_as_if_it_had_not_been(
    whole: tuple[Path, Subject], tmp_path: Path
) -> None:
    with _start(tmp_path) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line == "step 3\n")
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert "00000006.json" not in _states(tmp_path), "it was killed too late to tell"
    assert_same_end(whole, (tmp_path, train_film(tmp_path)))


def test_a_process_killed_between_data_and_marker_goes_on_from_the_state_before(
    whole: tuple[Path, Subject], tmp_path: Path
) -> None:
    with _start(tmp_path, "00000005.json") as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    finished = [f"0000000{step}.{end}" for step in (3, 4) for end in ("json", "pt")]
    assert _states(tmp_path) == [*finished, "00000005.pt"]
    assert_same_end(whole, (tmp_path, train_film(tmp_path)))


def test_a_run_whose_newest_state_is_cut_short_goes_on_from_the_one_before(
    whole: tuple[Path, Subject], tmp_path: Path
) -> None:
    train_film(tmp_path)
    newest = tmp_path / STATES / "00000006.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    (tmp_path / "losses.csv").write_text("step,rubbish\r\n9,9\r\n")
    assert_same_end(whole, (tmp_path, train_film(tmp_path)))
