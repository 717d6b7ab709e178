"""README's commands do what README says, run one after another in a shell, as a newcomer runs them.

What takes minutes there is made short here, and nothing else is changed: see `SHORTER`.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import boto3
import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from bodyswap.encode import CODECS, encode
from bodyswap.media.index import index_clip
from bodyswap.stage.body import Performer
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import Motion, load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange, Timeline
from cluster.cli.app import app
from cluster.cli.demo import RATE, demo_motion
from cluster.client import Client
from cluster.stores.opening import open_store

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHORTER = {
    "--minutes 20": "--minutes 0.05 --height 64",
    "listen --rules rules.yaml": "listen --rules rules.yaml --once",
}
ELSEWHERE = ("make demo", "make check")
"""CI runs the one, and tests of the demo's parts are in the other."""
PLATES = "plates"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("deploy/**/*.md")),
]


def _commands(text: str) -> Iterator[str]:
    """Every line of the blocks that hold commands, in order."""
    for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if re.match(r"bodyswap |make |source |export |kill ", line):
                yield re.sub(r"\s+#.*", "", line)


def _script() -> str:
    lines = [line for line in _commands(README) if line not in ELSEWHERE]
    script = "\n".join(lines)
    for whole, short in SHORTER.items():
        assert script.count(whole) == 1, f"README no longer says '{whole}' once"
        script = script.replace(whole, short)
    return f"set -euxo pipefail\nset -m\n{script}\n"


def _film(performer: Performer, motion: Motion, frames: int, path: Path, *, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seen = islice(film(performer, motion, Shot(width=size, height=size)), frames)
    encode(
        (frame.rgb_HW3 for frame in seen),
        path,
        timeline=Timeline(pts=tuple(range(frames)), time_base=1 / RATE, rate=RATE),
        frames=FrameRange(start=0, stop=frames),
        codec=CODECS["h264"],
    )


def _rules(queue: str) -> str:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return re.sub(r"queue: \S+.*", f"queue: {queue}", block)


def _drop_a_plate(plate: Path) -> str:
    """The queue that hears of it; both as the rules of README want them."""
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    s3.create_bucket(Bucket=PLATES)
    key = "nightfall/sc010/plate.mov"
    tag = s3.put_object(Bucket=PLATES, Key=key, Body=plate.read_bytes())["ETag"].strip('"')
    told = {"bucket": {"name": PLATES}, "object": {"key": key, "eTag": tag}}
    queue = str(sqs.create_queue(QueueName="readme")["QueueUrl"])
    body = json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": told}]})
    sqs.send_message(QueueUrl=queue, MessageBody=body)
    return queue


def test_readmes_commands_do_what_it_says(sqs_server: str, tmp_path: Path) -> None:
    walk = load_motion("walk").at_rate(RATE)
    _film(REX, demo_motion(), 24, tmp_path / "out/demo/plate.mp4", size=256)
    _film(REX, walk, 12, tmp_path / "stunt.mp4", size=256)
    _film(VEGA, walk, 24, tmp_path / "me.mp4", size=192)
    (tmp_path / "rules.yaml").write_text(_rules(_drop_a_plate(tmp_path / "stunt.mp4")))
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    }
    done = subprocess.run(
        ["bash", "-c", _script()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]

    out = tmp_path / "out"
    assert (out / "pose/tracks.png").exists() and (out / "pose/coverage.png").exists()
    assert len(index_clip(out / "shot/shot.mp4")) == 24
    assert len(index_clip(out / "SH010/shot.mov")) == 24
    assert len(index_clip(out / "mine/shot.mp4")) == 12
    assert (out / "mine/sheet.png").exists()
    names = {(job.name, job.project) for job in Client(open_store(str(out / "store"))).list_jobs()}
    assert ("SH010", "default") in names
    assert any(project == "nightfall" for _, project in names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_the_pages_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not place or place in _places(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_pages_is_one_that_the_command_line_takes(page: Path) -> None:
    for words in _spoken_commands(page.read_text()):
        verb, rest = get_command(app), words[1:]
        while isinstance(verb, TyperGroup) and rest:
            assert rest[0] in verb.commands, f"{page.name}: {' '.join(words)}"
            verb, rest = verb.commands[rest[0]], rest[1:]
        try:
            _, left, _ = verb.make_parser(typer.Context(verb)).parse_args(rest)
        except TyperException as error:
            pytest.fail(f"{page.name}: {' '.join(words)}: {error}")
        assert not left, f"{page.name}: {' '.join(words)}: nobody takes {left}"


def _spoken_commands(text: str) -> Iterator[list[str]]:
    """Commands in blocks and those in the running text; several verbs in one stand for each."""
    in_blocks = [line for line in _commands(text) if line.startswith("bodyswap ")]
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    in_words = re.findall(r"`(bodyswap [a-z][^`|]*)`", outside)
    for command in [*in_blocks, *in_words]:
        plain = re.sub(r" &$| >.*|…", "", command.replace("\n", " "))
        yield shlex.split(plain)


def _places(page: Path) -> set[str]:
    """Its headings, as links name them."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings}
