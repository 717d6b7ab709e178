"""What strangers write is refused in one line however broken it is; `bench` has ten thousand."""

import resource

from bench.mutated_inputs import attack, targets

EACH = 40
MOST_MEMORY_KIB = 512 * 1024
LONGEST_S = 5.0


def test_no_broken_input_ends_in_anything_but_one_clear_error() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with targets() as all_targets:
        outcomes = {target.name: attack(target, EACH, seed=7) for target in all_targets}
    for name, outcome in outcomes.items():
        assert outcome.refused > EACH // 2, f"{name} takes almost anything"
        assert outcome.slowest_s < LONGEST_S, name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY_KIB
    assert len(outcomes) == 19
