"""What a bench found: printed, kept as JSON under out/bench, and held against the run before.

    out/bench/NAME/2026-11-28T10-31-07.json    machine, versions, commit, options, figures

It does not know what the figures mean. See README.md beside it for how they are to be taken.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "out" / "bench"
PACKAGES = ("torch", "openvino", "onnxruntime", "av", "numpy", "opencv-python-headless", "ray")
NOISE = 0.1
"""A figure that changed by less is not worth a word: machines are shared."""


@dataclass
class Findings:
    """The figures of one bench, in the order they were found."""

    name: str
    options: dict[str, object] = field(default_factory=dict)
    figures: dict[str, dict[str, object]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, value: float, unit: str = "", note: str = "") -> float:
        """One figure, printed at once; units ending in "/s" and "x" are better larger."""
        self.figures[what] = {"value": float(f"{value:.5g}"), "unit": unit, "note": note}
        print(f"{what:58s} {value:10.4g} {unit:10s} {note}", flush=True)
        return value

    def lacks(self, what: str, why: str) -> None:
        """Something that could not be measured here."""
        self.missing[what] = why
        print(f"{what:58s}          - {why}", flush=True)

    def keep(self) -> Path:
        """Write them down, and say what changed since the last run of the same options."""
        folder = KEPT / self.name
        folder.mkdir(parents=True, exist_ok=True)
        last = _last_of(folder, self.options)
        path = folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}.json"
        told = {"bench": self.name, "commit": _commit(), "machine": _machine(),
                "versions": _versions(), "options": self.options, "figures": self.figures,
                "missing": self.missing}  # fmt: skip
        path.write_text(json.dumps(told, indent=1) + "\n")
        print(_compared(self.figures, last))
        print(f"kept as {path.relative_to(ROOT)}")
        return path


def turns(
    runs: dict[str, Callable[[], object]], *, rounds: int, settle: bool = True
) -> dict[str, list[float]]:
    """Seconds of each run, which take turns, so that all meet the same machine."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values() if settle else ():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - began)
    return took


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of what each round gives: a busy moment hits both of its parts."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def peak_mib() -> float:
    """The most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _last_of(folder: Path, options: dict[str, object]) -> dict[str, object] | None:
    for path in sorted(folder.glob("*.json"), reverse=True):
        told: dict[str, object] = json.loads(path.read_text())
        if told["options"] == json.loads(json.dumps(options)):
            return told
    return None


def _compared(figures: dict[str, dict[str, object]], last: dict[str, object] | None) -> str:
    if last is None:
        return "first run with these options: nothing to compare with"
    before = last["figures"]
    lines = []
    for what, figure in figures.items():
        old = before.get(what)
        if old is None or not old["value"]:
            continue
        change = figure["value"] / old["value"] - 1
        if abs(change) >= NOISE:
            now = f"{figure['value']:g} {figure['unit']} ({change:+.0%})"
            lines.append(f"  {what}: {old['value']:g} -> {now}")
    of = str(last["commit"])[:9]
    return "\n".join([f"against the last run (commit {of}), changes of 10 % and more:",
                      *(lines or ["  none"])])  # fmt: skip


def _commit() -> str:
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _machine() -> dict[str, object]:
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines()
             if line.startswith("model name")] if info.exists() else []  # fmt: skip
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "load_1m": round(os.getloadavg()[0], 1),
        "threads": os.environ.get("OMP_NUM_THREADS", "unset"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "gpu": _gpu(),
    }


def _gpu() -> str:
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
