"""`bodyswap subject` on a local store: shown, listed, carried to and fro, and proven on the way."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bodyswap.nets.card import Origin, SubjectCard, TrainingRecord
from bodyswap.nets.checkpoint import load_card, put_card, save_subject
from bodyswap.nets.figures import Contraction, HeldOut
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.stance import StanceStatistics
from cluster.cli.app import main
from cluster.stores.local import LocalStore

CARD = SubjectCard(
    origin=Origin(subject="mara", consent="consent-7", footage_sha256=("ab12",)),
    skeleton="coco-17",
    width=64,
    height=32,
    generator=GeneratorConfig(
        pose_channels=18, first_channels=4, most_channels=8, downsamplings=2, residual_blocks=1
    ),
    stance=StanceStatistics(
        width=64, height=32, far_ground_y=25, near_ground_y=28, far_height=18, near_height=20
    ),
    warmup_frames=3,
    contraction=Contraction.of({"zeros": (9.0, 0.7, 0.1)}),
    held_out=HeldOut(frames=40, psnr_db=29.5, person_psnr_db=21.25, ssim=0.97),
    training=TrainingRecord(steps=7, seconds=90, frames=3, settings={"batch": 2}),
)
KEYS = {
    "name", "skeleton", "width", "height", "warmup_frames", "contraction", "held_out", "consent",
    "data", "settings", "generator", "stance", "coverage", "training", "files",
}  # fmt: skip


class Farm:
    """A subject's folder, a store, and the command line on both."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        torch.manual_seed(0)
        self.folder, self.out, self.url = folder / "mara", folder / "out", folder / "store"
        background = np.zeros((32, 64, 3), np.uint8)
        save_subject(
            self.folder, CARD, Generator(CARD.generator).state_dict(), background, {"notes": b"x"}
        )
        self._capsys = capsys

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        """The exit code, what was said, and what was complained."""
        before = sys.argv
        sys.argv = ["bodyswap", "subject", *map(str, arguments), "--store", str(self.url)]
        try:
            with pytest.raises(SystemExit) as ending:
                main()
        finally:
            sys.argv = before
        said = self._capsys.readouterr()
        return int(ending.value.code or 0), said.out, said.err

    def push(self) -> str:
        code, said, _ = self.run("push", self.folder, "--json")
        assert code == 0
        return str(json.loads(said)["subject"])

    def stored(self, name: str) -> Path:
        (path,) = self.url.glob(f"subjects/mara/*/{name}")
        return path


@pytest.fixture
def farm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Farm:
    return Farm(tmp_path, capsys)


def test_a_pushed_subject_is_pulled_as_it_was(farm: Farm) -> None:
    farm.push()
    assert farm.run("pull", "mara", "--out", farm.out / "mara")[0] == 0
    for path in farm.folder.iterdir():
        assert (farm.out / "mara" / path.name).read_bytes() == path.read_bytes()
    assert [path.name for path in farm.out.iterdir()] == ["mara"]
    assert farm.run("pull", "mara", "--out", farm.out / "mara")[0] == 0


@pytest.mark.parametrize("name", ["generator.safetensors", "notes", "card.yaml"])
def test_a_file_damaged_in_the_store_is_refused_and_nothing_appears(farm: Farm, name: str) -> None:
    farm.push()
    data = bytearray(farm.stored(name).read_bytes())
    data[len(data) // 2] ^= 1
    farm.stored(name).write_bytes(bytes(data))
    code, _, complaint = farm.run("pull", "mara", "--out", farm.out / "mara")
    assert code == 7 and name in complaint and "damaged" in complaint
    assert complaint.count("\n") == 1
    assert list(farm.out.iterdir()) == []
    farm.push()
    assert farm.run("pull", "mara", "--out", farm.out / "mara")[0] == 0


def test_a_file_lost_in_the_store_is_told_and_nothing_appears(farm: Farm) -> None:
    farm.push()
    farm.stored("notes").unlink()
    code, _, complaint = farm.run("pull", "mara", "--out", farm.out / "mara")
    assert code == 7 and "notes" in complaint
    assert list(farm.out.iterdir()) == []


def test_a_marker_moved_to_another_subject_is_refused(farm: Farm) -> None:
    farm.push()
    marker = farm.stored("subject.json").read_bytes()
    LocalStore(farm.url).put("subjects/vega/0123456789ab/subject.json", marker)
    code, _, complaint = farm.run("list")
    assert code == 7 and "subjects/vega/0123456789ab/subject.json" in complaint


def test_a_pull_writes_over_nothing_that_is_something_else(farm: Farm) -> None:
    farm.push()
    farm.out.mkdir()
    (farm.out / "mine.txt").write_text("mine")
    code, _, complaint = farm.run("pull", "mara", "--out", farm.out)
    assert code == 5 and "give another --out" in complaint
    assert [path.name for path in farm.out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["generator.safetensors", "notes"])
def test_a_damaged_folder_is_not_pushed(farm: Farm, name: str) -> None:
    (farm.folder / name).write_bytes(b"other")
    code, _, complaint = farm.run("push", farm.folder)
    assert code == 5 and name in complaint
    assert not farm.url.exists()


def test_a_subject_whose_marker_is_not_written_yet_is_not_listed(farm: Farm) -> None:
    pushed = farm.push()
    assert pushed in farm.run("list")[1]
    farm.stored("subject.json").unlink()
    assert farm.run("list")[1] == "vega  packaged\n"
    assert farm.run("pull", "mara", "--out", farm.out)[0] == 5


def test_several_versions_are_told_apart(farm: Farm) -> None:
    first = farm.push()
    put_card(farm.folder, replace(load_card(farm.folder), warmup_frames=5))
    second = farm.push()
    assert first != second
    listed = json.loads(farm.run("list", "--json")[1])
    assert {f"{row['name']}@{row['version']}" for row in listed[1:]} == {first, second}
    for verb in ("show", "pull"):
        code, _, complaint = farm.run(verb, "mara")
        assert code == 5 and first in complaint and second in complaint
    assert json.loads(farm.run("show", second, "--json")[1])["warmup_frames"] == 5


def test_the_card_is_shown_alike_from_a_folder_and_from_the_store(farm: Farm) -> None:
    local = json.loads(farm.run("show", farm.folder, "--json")[1])
    pushed = farm.push()
    stored = json.loads(farm.run("show", pushed, "--json")[1])
    assert local.keys() >= KEYS
    assert {**local, "place": ""} == {**stored, "place": ""}
    assert (local["name"], local["consent"], local["data"]) == ("mara", "consent-7", ["ab12"])
    assert (local["warmup_frames"], local["contraction"]["curves"]["zeros"][0]) == (3, 9.0)
    assert local["held_out"]["psnr_db"] == 29.5
    assert local["settings"] == {"batch": 2} and local["coverage"] is None


def test_a_card_damaged_in_the_store_is_not_shown(farm: Farm) -> None:
    pushed = farm.push()
    text = farm.stored("card.yaml").read_text()
    farm.stored("card.yaml").write_text(text.replace("consent-7", "consent-8"))
    code, said, complaint = farm.run("show", pushed, "--json")
    assert (code, said) == (7, "") and "damaged" in complaint


def test_a_person_is_told_the_figures_and_what_was_not_measured(farm: Farm) -> None:
    said = farm.run("show", farm.folder)[1]
    for words in ("3 frames, measured", "PSNR 29.50 dB", "consent-7", "7 steps"):
        assert words in said
    put_card(farm.folder, replace(load_card(farm.folder), contraction=None, held_out=None))
    assert farm.run("show", farm.folder)[1].count("not measured") == 2


def test_vega_is_shown_with_her_coverage(farm: Farm) -> None:
    shown = json.loads(farm.run("show", "vega", "--json")[1])
    assert shown["consent"] == "synthetic"
    assert shown["coverage"]["poses"] == shown["training"]["frames"]


def test_nobody_is_told_with_a_way_out(farm: Farm) -> None:
    code, _, complaint = farm.run("show", "nobody")
    assert code == 5 and "'nobody' was not found" in complaint
    code, _, complaint = farm.run("pull", "nobody")
    assert code == 5 and "subject list" in complaint
    code, _, complaint = farm.run("show", "vgea")
    assert code == 5 and "did you mean 'vega'?" in complaint
