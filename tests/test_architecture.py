"""The rules of the house hold in the tree as it is, and each of them can be broken."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import house_rules
import house_store
import house_writing
import pytest
from house_rules import RULES
from house_source import Source, sources

ROOT = Path(__file__).parent.parent
FILES = sources(ROOT)
Rule = Callable[[list[Source]], Iterator[str]]
GOOD = '"""What it is for."""\n'
BROKEN: dict[Rule, dict[str, str]] = {
    house_rules.giants_have_one_door: {"bodyswap/pose.py": "def f():\n    import ray.util\n"},
    house_rules.imports_are_absolute: {"bodyswap/pose.py": "from .solve import f\n"},
    house_rules.one_machine_knows_no_farm: {"bodyswap/pose.py": "from cluster import jobs\n"},
    house_rules.values_import_only_values: {"bodyswap/frames.py": "from bodyswap import media\n"},
    house_rules.rooms_do_not_reach_up_to_stages: {
        "bodyswap/media/index.py": "from bodyswap.pipeline import render_range\n"
    },
    house_rules.rooms_of_the_farm_stand_on_each_other: {
        "cluster/jobs/job.py": "from cluster.workers.worker import Worker\n"
    },
    house_rules.every_file_at_the_top_has_its_layer: {"bodyswap/sundries.py": GOOD},
    house_rules.no_file_imports_itself_by_others: {
        "bodyswap/one.py": "from bodyswap.two import f\n",
        "bodyswap/two.py": "def g():\n    from bodyswap import one\n",
    },
    house_writing.long_files_say_why: {"bodyswap/pose.py": GOOD + "x = 1\n" * 300},
    house_writing.every_file_says_its_job: {"bodyswap/pose.py": "x = 1\n"},
    house_writing.public_things_say_what_they_are: {
        "bodyswap/pose.py": "class Pose:\n    x: int\n"
    },
    house_writing.everything_is_annotated: {"bodyswap/pose.py": "class A:\n    def f(self): ...\n"},
    house_writing.broad_excepts_give_a_reason: {
        "bodyswap/pose.py": "try:\n    f()\nexcept Exception:\n    pass\n"
    },
    house_writing.names_are_the_glossarys: {"bodyswap/pose_utils.py": GOOD},
    house_store.the_stores_places_are_named_in_one_file: {
        "cluster/jobs/keys.py": 'QUEUE = "queue/"\n',
        "cluster/farm/term.py": 'MARKER = "queue/00-first"\n',
        "cluster/farm/roster.py": 'WORKERS = "roster/"\n',
        "cluster/farm/drains.py": 'def f(node): return f"drains/{node}"\n',
        "cluster/farm/share.py": 'def f(keys): return f"{keys.root}share.json"\n',
    },
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule) -> None:
    assert not list(rule(FILES))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_can_be_broken(rule: Rule, tmp_path: Path) -> None:
    for name, text in BROKEN[rule].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    complaints = list(rule(sources(tmp_path)))
    assert complaints
    assert all(any(Path(name).stem in line for name in BROKEN[rule]) for line in complaints)


def test_each_way_of_spelling_a_place_in_the_store_is_seen(tmp_path: Path) -> None:
    rule = house_store.the_stores_places_are_named_in_one_file
    for name, text in BROKEN[rule].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    seen = {line.split(":")[0] for line in rule(sources(tmp_path))}
    assert seen == BROKEN[rule].keys() - {house_store.KEYS}


def test_a_long_file_may_say_why(tmp_path: Path) -> None:
    (tmp_path / "bodyswap").mkdir()
    (tmp_path / "bodyswap/table.py").write_text(
        "# Long because it is one table.\n" + "x = 1\n" * 400
    )
    assert not list(house_writing.long_files_say_why(sources(tmp_path)))


def test_help_is_quick_because_no_giant_is_loaded_for_it() -> None:
    program = "import sys, cluster.cli.app; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for giant in ("torch", "ray", "mmpose", "kornia", "av"):
        assert f"'{giant}'" not in loaded, giant
