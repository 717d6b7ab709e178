"""What one process leaves, another serves, traces and all, for as long as the first one lives."""

import os
import time
import urllib.request
from pathlib import Path

from scraping import found, free_address, scraped

from cluster.metering.exporter import STALE_AFTER_S, Left, Registered, left_in, served
from cluster.metering.metrics import Meters


def _until_there(path: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_what_is_left_is_served_with_the_traces_it_came_with(tmp_path: Path) -> None:
    path, address, meters = tmp_path / "left.txt", free_address(), Meters()
    meters.observe("shard_seconds", 42.0, "render", trace="ab" * 16)
    with (
        left_in(Registered(meters.registry, lambda: None), path),
        served([Left(path)], address),
    ):
        _until_there(path)
        assert found(scraped(address), "shard_seconds_sum", "render") == 42
        asked = urllib.request.Request(
            f"http://{address}/metrics", headers={"Accept": "application/openmetrics-text"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert f'trace_id="{"ab" * 16}"' in answer.read().decode()
    assert not path.exists()


def test_what_a_dead_process_left_is_served_no_longer(tmp_path: Path) -> None:
    path, address = tmp_path / "left.txt", free_address()
    with left_in(Registered(Meters().registry, lambda: None), path), served([Left(path)], address):
        _until_there(path)
        text = path.read_text()
    path.write_text(text)
    assert Left(path).is_fresh and list(Left(path).collect())
    long_ago = time.time() - STALE_AFTER_S - 1
    os.utime(path, (long_ago, long_ago))
    assert not Left(path).is_fresh and not list(Left(path).collect())
