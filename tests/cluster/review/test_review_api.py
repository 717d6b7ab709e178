"""The JSON API and the media say what the command line says, and show exactly the frame asked."""

import io
import json
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from command_line import run_command
from film_farm import FilmFarm, film_farm
from film_pipeline import frame_of, negative, plate_picture
from PIL import Image

from bodyswap.errors import JobError
from bodyswap.rights.trust import operator_trust
from cluster.client import Client
from cluster.jobs.journal import Journal, Ruling
from cluster.rights.audit_log import read_verified

Finished = tuple[FilmFarm, str]


def _picture(answer: httpx.Response) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


@pytest.mark.parametrize("verb", ["status", "list", "why"])
def test_the_api_tells_what_the_command_line_tells(
    finished: Finished, page: httpx.Client, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    farm, job = finished
    path = {"status": f"/api/jobs/{job}", "list": "/api/jobs", "why": f"/api/jobs/{job}/why"}[verb]
    code, said, _ = run_command(capsys, verb, job, "--store", farm.store.url, "--json")
    told = page.get(path).json()
    assert code == 0 and json.loads(said) == (told[0] if verb == "list" else told)


@pytest.mark.parametrize("number", [1001, 1012, 1013, 1024, 1031, 1048])
def test_a_frame_is_exactly_the_one_asked_for(
    finished: Finished, page: httpx.Client, number: int
) -> None:
    _, job = finished
    plate = _picture(page.get(f"/media/{job}/plate/{number}.png"))
    render = _picture(page.get(f"/media/{job}/render/{number}.png"))
    small = _picture(page.get(f"/media/{job}/render/{number}.jpg?width=160"))
    assert small.shape == (90, 160, 3)
    assert [frame_of(each) for each in (plate, render, small)] == [number - 1001] * 3
    assert np.abs(plate.astype(int) - plate_picture(number - 1001)).mean() < 6
    assert np.abs(render.astype(int) - negative(plate_picture(number - 1001))).mean() < 6


def test_a_picture_that_did_not_change_is_not_sent_again(
    finished: Finished, page: httpx.Client
) -> None:
    path = f"/media/{finished[1]}/render/1002.jpg"
    tag = page.get(path).headers["etag"]
    again = page.get(path, headers={"If-None-Match": tag})
    assert again.status_code == 304 and not again.content


def test_a_range_of_the_plate_is_that_range(finished: Finished, page: httpx.Client) -> None:
    farm, job = finished
    whole = (farm.folder / "s010.mp4").read_bytes()
    path = f"/media/{job}/plate"
    assert page.get(path).content == whole
    for header, start, stop in (
        ("bytes=10-19", 10, 20), ("bytes=100-", 100, len(whole)),
        ("bytes=-7", len(whole) - 7, len(whole)), ("bytes=5-99999999", 5, len(whole)),
    ):  # fmt: skip
        answer = page.get(path, headers={"Range": header})
        assert answer.status_code == 206 and answer.content == whole[start:stop]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    beyond = page.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{len(whole)}"
    assert page.get(path, headers={"Range": "bytes=9-3"}).status_code == 200


def test_the_preview_names_segments_that_are_there(finished: Finished, page: httpx.Client) -> None:
    _, job = finished
    lines = page.get(f"/media/{job}/live.m3u8").text.splitlines()
    names = [line for line in lines if line.startswith("segments/")]
    assert names == [f"segments/{start}.mp4" for start in (0, 12, 24, 36)]
    assert lines[-1] == "#EXT-X-ENDLIST"
    ranges = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-BYTERANGE")]
    size, start = map(int, ranges[1].split("@"))
    wanted = {"Range": f"bytes={start}-{start + size - 1}"}
    part = page.get(f"/media/{job}/{names[1]}", headers=wanted)
    assert part.status_code == 206 and part.content[4:8] == b"moof"


def test_what_is_not_there_is_said_plainly(finished: Finished, page: httpx.Client) -> None:
    _, job = finished
    for path, status, words in (
        ("/api/jobs/nosuchjob", 404, "no job's id"),
        (f"/api/jobs/{job}/why?shard=render-9", 404, "is no shard"),
        (f"/media/{job}/render/1049.png", 404, "1001-1048"),
        (f"/media/{job}/files/secrets", 404, "delivered no file"),
        (f"/media/{job}/segments/5.mp4", 404, "no finished segment"),
    ):
        answer = page.get(path)
        assert answer.status_code == status and words in answer.json()["error"], answer.text
    assert page.get("/api/jobs?pattern=SH9*").json() == []
    assert page.get("/jobs/nosuchjob").status_code == 404
    assert page.get("/media/..%2f..%2fsecret/plate").status_code in (404, 422)


def test_a_verdict_is_kept_and_written_down(finished: Finished, page: httpx.Client) -> None:
    farm, job = finished
    said = page.post(f"/api/jobs/{job}/reject", json={"note": "the hand at 1020"}).json()
    assert said["ruling"] == "rejected" and said["by"] == "supervisor"
    assert page.post(f"/api/jobs/{job}/approve", json={}).status_code == 200
    rulings = [each.ruling for each in Journal(farm.store, job).read() if each.ruling]
    assert rulings[-2:] == [Ruling.REJECTED, Ruling.APPROVED]
    events = [
        entry.fact.detail
        for entry in read_verified(farm.store, operator_trust()).entries
        if entry.fact.job == job
    ]
    assert any("the hand at 1020" in detail for detail in events)
    too_much = page.post(f"/api/jobs/{job}/approve", json={"note": "x" * 2001})
    assert too_much.status_code == 422


def test_every_download_is_written_down_and_a_look_once(
    finished: Finished, page: httpx.Client
) -> None:
    farm, job = finished

    def looked() -> int:
        return sum(
            entry.fact.by == "supervisor" and entry.fact.deed == "download"
            for entry in read_verified(farm.store, operator_trust()).entries
        )

    page.get(f"/media/{job}/render/1003.jpg")
    before = looked()
    page.get(f"/media/{job}/render/1004.jpg")
    assert before >= 1 and looked() == before
    for _ in range(2):
        assert page.get(f"/media/{job}/files/shot.mp4").status_code == 200
    assert looked() == before + 2


def test_a_job_that_is_not_published_cannot_be_judged(finished: Finished) -> None:
    farm, _ = finished
    waiting = farm.submit(frames=26, shards=1)
    with farm.page() as page:
        answer = page.post(f"/api/jobs/{waiting}/approve", json={})
        assert answer.status_code == 409 and "not published" in answer.json()["error"]
        missing = page.get(f"/media/{waiting}/render/1003.jpg")
        assert missing.status_code == 404 and "not rendered yet" in missing.json()["error"]
        assert page.get(f"/media/{waiting}/plate/1003.jpg").status_code == 200
        assert page.get(f"/api/jobs/{waiting}/timeline").json()["confidence"] is None
    Client(farm.store).cancel(waiting)
    with pytest.raises(JobError):
        Client(farm.store).manifest(waiting)


def test_frames_are_rendered_again_where_somebody_asks(tmp_path: Path) -> None:
    farm = film_farm(tmp_path)
    job = farm.submit(frames=48, shards=4, frame_s=0.1)
    with farm.page() as page, farm.at_work():
        while not _is_done(page, job, "render-0"):
            time.sleep(0.05)
        asked = page.post(f"/api/jobs/{job}/rerender", json={"frames": "1003"})
        assert asked.json() == {"job": job, "frames": "1003", "shards": ["render-0"]}
        beyond = page.post(f"/api/jobs/{job}/rerender", json={"frames": "2000"})
        assert beyond.status_code == 404 and "outside the plate" in beyond.json()["error"]
        while page.get(f"/api/jobs/{job}").json()["state"] != "published":
            time.sleep(0.1)
        assert Client(farm.store).look(job).shard("render-0").shard.take == 1
        late = page.post(f"/api/jobs/{job}/rerender", json={"frames": "1003-1014"})
        assert late.status_code == 409 and "published" in late.json()["error"]


def _is_done(page: httpx.Client, job: str, shard: str) -> bool:
    told = page.get(f"/api/jobs/{job}/shards").json()
    return any(each["name"] == shard and each["state"] == "done" for each in told)
