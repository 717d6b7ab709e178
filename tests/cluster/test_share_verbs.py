"""`bodyswap link` and `bodyswap preview`: others look at a shot without credentials."""

import json
import uuid
from pathlib import Path
from urllib.request import urlopen

import pytest
from command_line import run_command
from test_preview import ALL, _commit, _submitted
from tiny_farm import TinyFarm, make_farm

from bodyswap.errors import UsageError
from bodyswap.media.index import index_clip
from bodyswap.timing import FrameRange
from cluster.delivering.links import LONGEST_LINK_S, link_to
from cluster.jobs.job import JobState
from cluster.jobs.journal import Entry, Journal
from cluster.stores.opening import open_store
from tests.media.clips import pictures, steady, write_clip


def test_links_to_a_bucket_open_without_credentials(
    s3_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    store = open_store(f"{s3_server}/{uuid.uuid4().hex}/store")
    farm = TinyFarm(folder=tmp_path, store=store)
    job = farm.client.submit(farm.request())
    code, _, err = run_command(capsys, "link", job, "--store", store.url)
    assert code == 8 and "has nothing to fetch" in err
    farm.run_inline(job)
    code, said, _ = run_command(capsys, "link", job, "--store", store.url, "--json", "--hours", "2")
    links = json.loads(said)["links"]
    assert code == 0 and "X-Amz-Expires=7200" in links["shot.mp4"]
    with urlopen(links["shot.mp4"]) as answer:
        assert answer.read() == store.get(f"jobs/{job}/out/shot.mp4")
    assert "tests-only-too" not in said


def test_links_into_a_folder_are_the_files_own(tmp_path: Path) -> None:
    store = make_farm(tmp_path).store
    store.put("a/b", b"x")
    with urlopen(link_to(store, "a/b", lasts_s=5)) as answer:
        assert answer.read() == b"x"
    for lasts_s in (0, LONGEST_LINK_S + 1):
        with pytest.raises(UsageError, match="cannot last"):
            link_to(store, "a/b", lasts_s=lasts_s)


def test_a_preview_is_told_and_written_as_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = make_farm(tmp_path)
    spec = _submitted(farm.store)
    Journal(farm.store, spec.job).open(Entry(state=JobState.RENDERING, at_s=0.0, by="x"))
    command = ("preview", spec.job, "--store", farm.store.url)
    code, _, err = run_command(capsys, *command)
    assert code == 8 and "nothing is rendered yet" in err
    plate = index_clip(write_clip(tmp_path / "plate.mp4", pictures(12), timeline=steady(12)))
    _commit(farm.store, spec, plate, 0, tmp_path)
    code, said, _ = run_command(capsys, *command, "--out", tmp_path / "live.m3u8", "--json")
    told = json.loads(said)
    assert (code, told["frames"], told["is_over"]) == (0, 4, False)
    text = (tmp_path / "live.m3u8").read_text()
    assert f"file://{farm.store.url}/jobs/{spec.job}/render/00000/" in text
    code, said, _ = run_command(capsys, *command)
    assert f"preview/{spec.job}/live.m3u8  4 frames, and growing" in said
    assert len(ALL) == 12 and FrameRange(start=0, stop=4) in [s.frames for s in
        farm.client.preview(spec.job)[0].segments]  # fmt: skip
