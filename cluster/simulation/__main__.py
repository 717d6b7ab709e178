"""Live through many histories: python -m cluster.simulation --histories 1000000 --processes 8."""

import argparse
import gc
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from cluster.simulation.history import Outcome, run

_BLOCK = 250
_GARBAGE_AFTER = 50_000
"""Objects; a history leaves some 700 behind."""


def main() -> None:
    """Live through as many histories as the command line says; exit 1 where one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    # The controllers tell of every failure of the store, and there are thousands.
    logging.disable(logging.WARNING)
    seeds = range(asked.first_seed, asked.first_seed + asked.histories)
    blocks = [seeds[start : start + _BLOCK] for start in range(0, len(seeds), _BLOCK)]
    started_s = time.perf_counter()
    tally: Counter[str] = Counter()
    bad: list[Outcome] = []
    with ProcessPoolExecutor(max_workers=asked.processes, initializer=_settle) as pool:
        for block_tally, block_bad in pool.map(live_through, blocks):
            tally.update(block_tally)
            bad += block_bad
    took_s = time.perf_counter() - started_s
    say = sys.stdout.write
    say(f"{len(seeds)} histories in {took_s:.1f} s, {len(seeds) / took_s:.1f} a second\n")
    for name, count in sorted(tally.items()):
        say(f"  {name}: {count}\n")
    for outcome in bad:
        say(f"seed {outcome.seed}: {outcome.violation}\n")
    sys.exit(bool(bad))


def _settle() -> None:
    """Have what was imported looked through for garbage no more, and the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER)


def live_through(seeds: range) -> tuple[Counter[str], list[Outcome]]:
    """The tally of these histories, and those that ended in a violation."""
    tally: Counter[str] = Counter()
    bad = []
    for seed in seeds:
        outcome = run(seed)
        tally.update(outcome.tally)
        if outcome.violation:
            bad.append(outcome)
    return tally, bad


if __name__ == "__main__":
    main()
