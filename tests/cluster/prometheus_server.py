"""A real Prometheus for tests: started on loopback, asked over HTTP."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from scraping import free_address

_TOOLS = Path(__file__).parents[2] / ".tools/prometheus"
UP_WITHIN_S = 60


def _program(name: str) -> str:
    found = shutil.which(name) or str(_TOOLS / name)
    if not Path(found).exists():
        pytest.fail(f"{name} is missing; run `make .tools/prometheus/promtool`")
    return found


PROMTOOL = _program("promtool")


@dataclass(frozen=True, kw_only=True)
class Prometheus:
    """One that runs at `address`."""

    address: str

    def ask(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series that the expression gives now."""
        query = urllib.parse.urlencode({"query": expression})
        url = f"http://{self.address}/api/v1/query?{query}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in data["result"]]

    def names(self) -> set[str]:
        """The names of all series."""
        url = f"http://{self.address}/api/v1/label/__name__/values"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return set(json.load(answer)["data"])


@contextmanager
def run_prometheus(folder: Path, config: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, while the block runs."""
    folder.mkdir(parents=True)
    (folder / "prometheus.yml").write_text(config)
    address = free_address()
    command = [
        _program("prometheus"), f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_ready(process, address, folder / "log")
        yield Prometheus(address=address)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline_s = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                return
        except OSError as error:
            is_alive = process.poll() is None and time.monotonic() < deadline_s
            assert is_alive, f"{error}\n{log.read_text()}"
            time.sleep(0.1)
