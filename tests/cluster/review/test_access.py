"""Who may come in, what guests see, and what is said to browsers."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from command_line import run_command
from film_farm import FilmFarm

from bodyswap.errors import UsageError
from bodyswap.rights.signing_keys import make_signing_key
from cluster.review.visitors import NoEntryError, Person, Visitor, Visitors, make_token, read_people

Finished = tuple[FilmFarm, str]
Known = tuple[tuple[Person, ...], str, str]


@pytest.fixture
def people(tmp_path: Path) -> Known:
    """Anna who acts and Bo who looks, and their tokens."""
    (anna, line), (bo, other) = make_token("anna", may_act=True), make_token("bo", may_act=False)
    (tmp_path / "tokens.yaml").write_text(line + other)
    return read_people(tmp_path / "tokens.yaml"), anna, bo


def test_with_tokens_nobody_comes_in_without(finished: Finished, people: Known) -> None:
    farm, job = finished
    known, anna, bo = people
    with farm.page(known) as page:
        for path in ("/api/jobs", f"/media/{job}/plate", f"/api/jobs/{job}/timeline"):
            assert page.get(path).status_code == 401
            assert page.get(path, headers={"Authorization": "Bearer nothing"}).status_code == 401
            assert page.get(path, headers={"Authorization": f"Bearer {bo}"}).status_code == 200
        assert page.get("/").headers["location"] == "/sign-in"
        assert page.post("/sign-in", data={"token": "wrong"}).status_code == 401
        approve = f"/api/jobs/{job}/approve"
        looks = page.post(approve, json={}, headers={"Authorization": f"Bearer {bo}"})
        assert looks.status_code == 403 and "may look" in looks.json()["error"]
        acts = page.post(approve, json={}, headers={"Authorization": f"Bearer {anna}"})
        assert acts.json()["by"] == "anna"
        entered = page.post("/sign-in", data={"token": anna})
        assert "HttpOnly" in entered.headers["set-cookie"] and page.get("/").status_code == 200
        assert "anna" in page.get("/").text


def test_a_share_link_shows_one_job_for_a_time_and_changes_nothing(
    finished: Finished,
    people: Known,
) -> None:
    farm, job = finished
    known, anna, _ = people
    with farm.page(known) as page:
        by_anna = {"Authorization": f"Bearer {anna}"}
        share = page.post(f"/api/jobs/{job}/share", json={"hours": 2}, headers=by_anna).json()
        assert share["lasts_s"] == 7200
        assert page.get(share["path"]).headers["location"] == f"/jobs/{job}"
        assert page.get(f"/jobs/{job}").status_code == 200
        assert page.get(f"/media/{job}/render/1001.jpg").status_code == 200
        assert page.get("/api/jobs").status_code == 403
        assert page.get("/api/jobs/another").status_code == 403
        assert page.post(f"/api/jobs/{job}/approve", json={}).status_code == 403
        assert page.post(f"/api/jobs/{job}/share", json={}).status_code == 403
        assert "Approve" not in page.get(f"/jobs/{job}").text


def test_links_end_and_those_of_another_server_do_not_count() -> None:
    now_s = [1000.0]
    ours = Visitors((), make_signing_key(), local=None, clock=lambda: now_s[0])
    secret = ours.share("abc", Visitor(name="anna"), lasts_s=60)
    guest = ours.of(secret)
    assert guest == Visitor(name="guest of anna", may_act=False, job="abc")
    now_s[0] += 60
    with pytest.raises(NoEntryError, match="has ended"):
        ours.of(secret)
    theirs = Visitors((), make_signing_key(), local=None, clock=time.time)
    with pytest.raises(NoEntryError, match="not from here"):
        theirs.of(secret)
    for wrong in (secret[:-9] + "AAAAAAAAA", "", "x" * 5000, "ü"):
        with pytest.raises(NoEntryError):
            ours.of(wrong)
    with pytest.raises(UsageError, match="cannot last"):
        ours.share("abc", guest, lasts_s=10**9)


def test_another_sites_page_changes_nothing(finished: Finished, page: httpx.Client) -> None:
    _, job = finished
    path, body = f"/api/jobs/{job}/approve", {"note": ""}
    other = page.post(path, json=body, headers={"Origin": "https://elsewhere.example"})
    assert other.status_code == 403 and "another site" in other.json()["error"]
    own = str(page.base_url).rstrip("/")
    assert page.post(path, json=body, headers={"Origin": own}).status_code == 200


def test_browsers_may_load_nothing_from_elsewhere(finished: Finished, page: httpx.Client) -> None:
    for path in ("/", f"/jobs/{finished[1]}", "/sign-in", "/jobs/none", "/static/review.js"):
        answer = page.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "https://" not in answer.text and "style=" not in answer.text


def test_serve_goes_beyond_this_machine_only_with_tokens(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run_command(capsys, "serve", "--address", "0.0.0.0:0", "--store", str(tmp_path))
    assert code == 2 and "serve-token" in err
    code, _, err = run_command(capsys, "serve", "--tokens", str(tmp_path / "none"))
    assert code == 2 and "cannot read" in err
    code, said, _ = run_command(capsys, "serve-token", "anna", "--looks-only")
    (tmp_path / "tokens").write_text(said.partition("file:\n")[2])
    (anna,) = read_people(tmp_path / "tokens")
    assert anna.name == "anna" and not anna.may_act


def test_serve_answers_over_http(finished: Finished) -> None:
    farm, job = finished
    command = [sys.executable, "-m", "cluster", "serve", "--address", "127.0.0.1:0", "--json"]
    with subprocess.Popen(
        [*command, "--store", farm.store.url], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            assert told["store"] == farm.store.url
            assert httpx.get(f"{told['url']}/api/jobs/{job}").json()["state"] == "published"
            misled = httpx.get(f"{told['url']}/", headers={"Host": "elsewhere.example"})
            assert misled.status_code == 400, "a name that somebody else points at this machine"
        finally:
            server.terminate()
