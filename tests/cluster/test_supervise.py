"""Real processes, real deaths."""

import sys
import threading
import time
from pathlib import Path

from cluster.farm.supervise import Supervisor

LIVES = """
import os, pathlib, subprocess, sys, time
log = pathlib.Path(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with log.open("a") as file:
    file.write(f"{child.pid}\\n")
lives = len(log.read_text().splitlines())
if lives <= int(sys.argv[2]):
    os.kill(os.getpid(), 9)
time.sleep(float(sys.argv[3]))
child.kill()
"""


def _command(log: Path, *, deaths: int, then_s: float) -> list[str]:
    return [sys.executable, "-c", LIVES, str(log), str(deaths), str(then_s)]


def _is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
    except FileNotFoundError:
        return False


def test_a_process_that_is_killed_is_started_again_and_leaves_no_child(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = Supervisor(_command(log, deaths=2, then_s=0.0), first_pause_s=0.01)
    assert supervisor.run() == 0
    children = [int(line) for line in log.read_text().splitlines()]
    assert (supervisor.deaths, len(children)) == (2, 3)
    deadline_s = time.monotonic() + 5
    while any(map(_is_running, children)):
        assert time.monotonic() < deadline_s, "a child of a dead process lives on"
        time.sleep(0.02)


def test_stopping_while_it_waits_to_start_again_starts_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = Supervisor(_command(log, deaths=9, then_s=0.0), first_pause_s=600.0)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    while not supervisor.deaths:
        time.sleep(0.02)
    supervisor.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert len(log.read_text().splitlines()) == 1


def test_stopping_ends_the_process_and_does_not_start_it_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = Supervisor(_command(log, deaths=0, then_s=600.0), first_pause_s=0.01)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    while not log.exists():
        time.sleep(0.02)
    pid = supervisor.pid
    assert pid is not None and _is_running(pid)
    supervisor.stop()
    thread.join(timeout=30)
    assert not thread.is_alive() and not _is_running(pid)
    assert len(log.read_text().splitlines()) == 1


def test_a_death_in_the_pause_between_two_lives_is_no_deadlock(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = Supervisor(_command(log, deaths=9, then_s=0.0), first_pause_s=600.0)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    while not log.exists() or supervisor.deaths == 0:
        time.sleep(0.02)
    supervisor.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()
