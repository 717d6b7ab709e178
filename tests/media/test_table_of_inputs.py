"""What a compositor's plates look like, and what comes out: count, times, names, colour, sound.

Each plate is coded by a program that shares nothing with this one, its own pictures come out as a
delivery made of two segments, and that program reads it. `bench/inputs_table.py` prints the table.
"""

from pathlib import Path

import pytest

from tests.media.input_facts import measure_input
from tests.media.input_plates import TABLE, InputPlate

PATCH_LEVELS, ALPHA_LEVELS = 4, 1


@pytest.mark.parametrize("plate", TABLE, ids=[plate.name for plate in TABLE])
def test_what_goes_in_comes_out(tmp_path: Path, plate: InputPlate) -> None:
    facts = measure_input(plate, tmp_path)
    wanted, found = facts.frames
    assert found == wanted
    due, shown = facts.times_s
    assert [time - shown[0] for time in shown] == [time - due[0] for time in due]
    uneven, found_uneven = facts.is_variable_rate
    assert found_uneven == uneven
    wanted_code, found_code = facts.timecode
    assert found_code == wanted_code
    assert facts.patch_error <= PATCH_LEVELS
    assert facts.is_sound_equal
    assert (facts.sound_bytes[0] > 0) == bool(plate.channels)
    assert facts.alpha_error is None or facts.alpha_error <= ALPHA_LEVELS
