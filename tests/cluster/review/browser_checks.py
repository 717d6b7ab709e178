"""A real Chromium looks at a shot while it renders: what it shows is exactly what there is.

Run by test_review_browser.py, in a process of its own.
"""

import io
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from browser import Watched, browser_page
from film_farm import FilmFarm, film_farm
from film_pipeline import frame_of
from PIL import Image
from playwright.sync_api import Page, expect

LONG_S = 60
expect.set_options(timeout=1000 * LONG_S)


def _on_stage(page: Page, layer: str = "render") -> int:
    """The index burnt into what the stage shows now."""
    box = page.locator(f".layer.{layer}").bounding_box()
    assert box is not None
    shown = page.screenshot(
        clip={"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
    )
    return frame_of(np.asarray(Image.open(io.BytesIO(shown)).convert("RGB")))


def _until(page: Page, truth: str) -> None:
    """Wait until it is true. The page's own policy lets nothing evaluate text in it, so ask."""
    deadline_s = time.monotonic() + LONG_S
    while not page.evaluate(truth):
        assert time.monotonic() < deadline_s, f"never true: {truth}; frame {_number(page)}"
        page.wait_for_timeout(40)


def _number(page: Page) -> int:
    return int(page.evaluate("document.getElementById('number').value"))


def _still(page: Page, number: int) -> None:
    """Wait until the exact pictures of that frame are shown."""
    shown = "document.getElementById('stage').dataset.shown"
    _until(
        page, f"{shown} === '{number}' && document.getElementById('number').value === '{number}'"
    )


def _choose(page: Page, mode: str) -> None:
    page.locator(f'input[value="{mode}"]').check(force=True)


def _rendered(api: httpx.Client, job: str) -> int:
    """How many frames from the first one on are rendered."""
    at = 0
    for start, stop in sorted(api.get(f"/api/jobs/{job}/timeline").json()["rendered"]):
        at = stop if start <= at else at
    return at


def test_a_shot_is_watched_while_it_renders(tmp_path_factory: pytest.TempPathFactory) -> None:
    farm = film_farm(tmp_path_factory.mktemp("watched"))
    job = farm.submit(frames=72, shards=6, frame_s=0.25)
    with farm.page() as api, browser_page() as watched:
        page = watched.page
        page.goto(f"{api.base_url}/")
        page.get_by_role("link", name="SH010").click()
        expect(page.locator("#notice")).to_contain_text("not rendered yet")
        with farm.at_work():
            _until(page, "document.querySelectorAll('#graph .done').length > 1")
            assert _rendered(api, job) < 72, "the job was over before anybody looked"
            _plays_to_the_last_finished_frame(page)
            _until(page, "document.querySelectorAll('#graph .done').length === 6")
        page.keyboard.press("End")
        _still(page, 1072)
        _choose(page, "render")
        assert _on_stage(page) == 71
        assert watched.troubles == []


def _plays_to_the_last_finished_frame(page: Page) -> None:
    """Play what there is; it ends where the shot's finished part ends, at that very frame."""
    _choose(page, "render")
    page.locator("#stage").focus()
    _until(page, "document.querySelector('.render video').readyState >= 2")
    page.keyboard.press("Space")
    _until(page, "document.getElementById('play').textContent === 'Pause'")
    _until(page, "document.getElementById('play').textContent === 'Play'")
    number = _number(page)
    assert number > 1001 and (number - 1000) % 12 == 0, f"stopped at {number}, no shard's end"
    _still(page, number)
    assert _on_stage(page) == number - 1001


@pytest.fixture
def looking(finished: tuple[FilmFarm, str], page: httpx.Client) -> Iterator[Watched]:
    """A browser at the finished job's page."""
    with browser_page() as watched:
        watched.page.goto(f"{page.base_url}/jobs/{finished[1]}")
        _still(watched.page, 1001)
        yield watched


def test_keys_step_exactly_and_every_way_to_compare_works(looking: Watched) -> None:
    page = looking.page
    page.locator("#stage").focus()
    for _ in range(13):
        page.keyboard.press("ArrowRight")
    _still(page, 1014)
    page.keyboard.press("ArrowLeft")
    _still(page, 1013)
    expect(page.locator("#timecode")).to_have_text("01:00:00:12")
    for mode, layer in (("render", "render"), ("plate", "plate"), ("side", "plate")):
        _choose(page, mode)
        assert _on_stage(page, layer) == 12
    assert _on_stage(page, "render") == 12
    _wipes(page)
    _choose(page, "difference")
    assert _on_stage(page) == 0, "the fields are alike in plate and render, so nothing is left"
    page.get_by_label("Pose", exact=True).check(force=True)
    expect(page.locator(".layer.render svg line")).not_to_have_count(0)
    _jumps(page)
    page.locator("#stage").focus()
    page.keyboard.press("l")
    _until(page, "Number(document.getElementById('number').value) > 1030")
    page.keyboard.press("k")
    expect(page.locator("#play")).to_have_text("Play")
    page.keyboard.press("j")
    _until(page, "document.getElementById('number').value === '1001'")
    assert looking.troubles == []


def _wipes(page: Page) -> None:
    """Left of the wipe is the plate, right of it the negative."""
    _choose(page, "wipe")
    page.locator("#wipe").fill("25")
    box = page.locator("#stage").bounding_box()
    assert box is not None
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
    shown = Image.open(io.BytesIO(page.screenshot(clip=clip)))
    pixels = np.asarray(shown.convert("RGB")).astype(int)
    row, width = pixels[int(pixels.shape[0] * 0.6)], pixels.shape[1]
    # The plate is dark and the render bright, wherever nobody stands.
    assert row[int(width * 0.2)].mean() < 110 < 130 < row[int(width * 0.3)].mean()


def _jumps(page: Page) -> None:
    """By a join's button, by the graph, by the contact sheet."""
    page.get_by_role("button", name="join 1025").click()
    _still(page, 1025)
    box = page.locator("#graph").bounding_box()
    assert box is not None
    page.locator("#graph").click(position={"x": box["width"] * 36.5 / 48, "y": 20})
    _still(page, 1037)
    page.locator("#sheet button").first.click()
    _still(page, 1003)


def test_a_verdict_is_given_on_a_narrow_screen(
    finished: tuple[FilmFarm, str], page: httpx.Client
) -> None:
    with browser_page(390, 844) as watched:
        narrow = watched.page
        narrow.goto(f"{page.base_url}/jobs/{finished[1]}")
        _still(narrow, 1001)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert narrow.evaluate(overflow) == 0
        narrow.get_by_label("Note").fill("good as it is")
        narrow.get_by_role("button", name="Approve").click()
        expect(narrow.locator(".ruling")).to_contain_text("good as it is")
        narrow.get_by_role("button", name="Make link").click()
        link = narrow.locator("#link").input_value()
        assert watched.troubles == []
        narrow.goto(link)
        expect(narrow.locator("h1")).to_have_text("SH010")
        assert narrow.get_by_role("button", name="Approve").count() == 0
