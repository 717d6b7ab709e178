"""The table of inputs: what kinds of plate go in, and how each one's delivery differs from it.

    python bench/inputs_table.py [--frames 10000]

Plates are coded, and deliveries read, by another build of FFmpeg. The last row is a long plate.
"""

import argparse
import platform
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.media.input_facts import InputFacts, measure_input
from tests.media.input_plates import TABLE, InputPlate

_HEADS = (
    "plate", "delivered as", "frames", "times", "timecode", "patch error", "sound bytes",
    "alpha error", "s",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="of the long plate")
    count = parser.parse_args().frames
    long = replace(TABLE[0], name=f"{count} frames", count=count, size=(64, 48))
    print(f"{platform.machine()}; errors in levels of 255, largest of red, green and blue")
    print("| " + " | ".join(_HEADS) + " |")
    print("|" + "---|" * len(_HEADS))
    for plate in (*TABLE, long):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            facts = measure_input(plate, Path(folder))
            print("| " + " | ".join(_row(plate, facts, time.perf_counter() - begun)) + " |")


def _row(plate: InputPlate, facts: InputFacts, took_s: float) -> list[str]:
    due, shown = facts.times_s
    off = max(
        (abs((a - due[0]) - (b - shown[0])) for a, b in zip(due, shown, strict=False)), default=0
    )
    code = facts.timecode[0] or "none"
    sound = str(facts.sound_bytes[1]) if facts.sound_bytes[0] else "none"
    return [
        plate.name,
        facts.codec,
        _told(*map(str, facts.frames)),
        "exact" if not off and len(due) == len(shown) else f"off by {float(off):.6f} s",
        _told(code, facts.timecode[1] or "none"),
        str(facts.patch_error),
        sound if facts.is_sound_equal else f"{sound}, differing",
        "" if facts.alpha_error is None else str(facts.alpha_error),
        f"{took_s:.1f}",
    ]


def _told(wanted: str, found: str) -> str:
    return found if wanted == found else f"{found}, not {wanted}"


if __name__ == "__main__":
    main()
