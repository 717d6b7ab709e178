"""`bodyswap list | status | watch | wait | logs | fetch | pause …` on a local store."""

import json
from pathlib import Path

import pytest
from command_line import run_command
from PIL import Image
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import write_plate

from cluster.asking.submit import JobRequest


class Shell:
    """A store with one job published, one failed, one waiting, and a command line on it."""

    def __init__(self, farm: TinyFarm, capsys: pytest.CaptureFixture[str]) -> None:
        self.farm, self._capsys = farm, capsys
        subject = farm.request().subject
        plates = {name: write_plate(farm.folder / f"{name}.txt", 30) for name in NAMES}
        plates["SH020"].write_text("plate\n" + "nobody\n" * 30)
        plates["SH030"].write_text(plates["SH010"].read_text() + "1\n")
        self.jobs = {
            name: farm.client.submit(JobRequest(plate=plate, subject=subject, project="heist"))
            for name, plate in plates.items()
        }
        farm.run_inline(self.jobs["SH010"])
        farm.run_inline(self.jobs["SH020"])

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        return run_command(self._capsys, *arguments, "--store", self.farm.store.url)


NAMES = ("SH010", "SH020", "SH030")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(make_farm(tmp_path), capsys)


def test_a_list_tells_whose_jobs_they_are_and_how_far(shell: Shell) -> None:
    code, said, _ = shell("list", "SH0*")
    lines = dict(zip(NAMES, said.splitlines(), strict=True))
    assert code == 0
    assert "published: 30/30 frames" in lines["SH010"] and "heist/" in lines["SH010"]
    assert lines["SH020"].endswith("failed: no person was found in SH020.txt")
    assert lines["SH030"].endswith("submitted")
    _, said, _ = shell("list", "*030", "--json")
    told = json.loads(said)
    assert (told["name"], told["project"], told["status"]["state"]) == (
        "SH030", "heist", "submitted",
    )  # fmt: skip


def test_waiting_answers_with_its_own_exit_codes(shell: Shell) -> None:
    assert shell("wait", "SH010")[0] == 0
    assert shell("wait", "SH030", "--timeout", "0")[0] == 1
    assert shell("wait", "SH010", "SH020")[0] == 2
    code, said, _ = shell("wait", "SH010", "--json")
    told = json.loads(said)
    assert (code, told["outcome"], told["jobs"][0]["state"]) == (0, "done", "published")


def test_watching_tells_each_stage_once_it_is_over_and_ends_as_the_job_did(shell: Shell) -> None:
    code, said, err = shell("watch", "SH010")
    assert (code, said) == (0, f"{shell.jobs['SH010']}  published: 30/30 frames\n")
    stages = [line.split(":")[0] for line in err.splitlines()]
    assert stages == ["pose", "solve", "render", "assemble"]
    code, _, err = shell("watch", "SH020")
    assert code == 4 and "bodyswap: no person was found in SH020.txt" in err


def test_logs_are_told_attempt_by_attempt(shell: Shell) -> None:
    code, said, _ = shell("logs", "SH020", "solve-0")
    assert code == 0
    assert said.startswith("== solve-0, attempt 0001-inline: failed: no person was found")
    assert "NoPerformerError" in said
    _, said, _ = shell("logs", "SH010", "--json")
    assert {json.loads(line)["outcome"] for line in said.splitlines()} == {"committed"}
    code, _, err = shell("logs", "SH010", "render-7")
    assert code == 8 and "'render-7' is no shard" in err


def test_a_pattern_asks_what_fits_each_job_and_says_what_it_left(shell: Shell) -> None:
    code, said, err = shell("pause", "SH0*")
    assert code == 0
    assert said == f"{shell.jobs['SH030']}  is asked to pause; what runs is let finish\n"
    assert err.count("left as it is") == 2 and "is published; pause is for" in err
    code, _, err = shell("cancel", "SH010")
    assert code == 8 and "is published; cancel is for a job that is not over" in err


def test_retry_and_priority_say_what_they_asked(shell: Shell) -> None:
    code, said, _ = shell("retry", "SH020", "--shard", "solve-0", "--json")
    assert (code, json.loads(said)["arguments"]) == (0, {"shards": ["solve-0"]})
    code, said, _ = shell("retry", "SH020", "--json")
    assert (code, json.loads(said)["arguments"]) == (0, {"shards": None})
    code, said, _ = shell("priority", "SH030", "90", "--json")
    assert (code, json.loads(said)["arguments"]) == (0, {"priority": 90})
    code, _, err = shell("retry", "SH020", "--shard", "pose-0", "--failed")
    assert code == 2 and "give one of them" in err


def test_fetching_refuses_to_write_over_something_else(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "delivery"
    code, said, _ = shell("fetch", "SH010", "--out", out, "--json")
    assert code == 0 and json.loads(said)["job"] == shell.jobs["SH010"]
    (out / "shot.mp4").write_text("another shot")
    code, _, err = shell("fetch", "SH010", "--out", out)
    assert code == 2 and "move it away, or fetch into another folder" in err
    code, _, err = shell("fetch", "SH020", "--out", out)
    assert code == 8 and "it is failed: no person was found" in err


def test_joins_are_told_one_by_one_in_the_status_and_drawn(shell: Shell, tmp_path: Path) -> None:
    plot, plate = tmp_path / "joins.png", write_plate(shell.farm.folder / "SH040.txt", 30)
    subject = shell.farm.request().subject
    request = JobRequest(plate=plate, subject=subject, project="heist", shards=3)
    shell.farm.run_inline(shell.farm.client.submit(request))
    code, said, _ = shell("joins", "SH040", "--plot", plot)
    assert code == 0
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["1011", "block"],
        ["1021", "block"],
    ]
    with Image.open(plot) as picture:
        assert picture.width == 1440
    _, said, _ = shell("status", "SH040", "--json")
    assert [join["frame"] for join in json.loads(said)["joins"]] == [10, 20]
    _, said, _ = shell("status", "SH040")
    assert "2 joins, worst block" in said
    code, _, told = shell("joins", "SH030")
    assert code == 8 and "nothing to fetch" in told


def test_a_name_that_is_nearly_a_jobs_is_answered_with_the_jobs(shell: Shell) -> None:
    for verb in ("status", "why", "cancel", "list"):
        code, _, err = shell(verb, "sh10")
        assert code == 8 and "did you mean 'SH010'?" in err, verb
    code, _, err = shell("fetch", "SH030", "--out", shell.farm.folder / "out")
    assert code == 8 and "it is submitted; see `why" in err


def test_a_store_without_jobs_says_that_it_may_be_another_that_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, err = run_command(capsys, "list", "--store", tmp_path / "typo")
    assert (code, said) == (0, "") and "typo holds no jobs; `bodyswap submit`" in err
    code, _, err = run_command(capsys, "status", "SH010", "--store", tmp_path / "typo")
    assert code == 8 and "is it the --store you mean?" in err
    (tmp_path / "file").write_text("no store")
    code, _, err = run_command(capsys, "list", "--store", tmp_path / "file")
    assert code == 2 and "file' is no folder" in err
