"""Shots of the stage cut together, and what looks like a cut and is none."""

from fractions import Fraction

import numpy as np
import pytest

from bodyswap.frames import RGB
from bodyswap.media.cuts import LONGEST_FLASH_FRAMES, REACH, CutWatch
from bodyswap.stage.backdrop import Studio
from bodyswap.stage.body import Performer
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange
from tests.quality.scenes import panned, texture

COUNT = 16
CLOSE = Camera(position=(2.6, 1.5, 0.9), target=(0.0, 1.2, 0.0))
EVENING = Studio(wall=(0.2, 0.14, 0.3), floor=(0.3, 0.2, 0.16))


def _shot(performer: Performer, motion: str, shot: Shot) -> list[RGB]:
    moves = load_motion(motion).turned(0.3).at_rate(Fraction(30))
    part = moves.at(moves.time_T[6 : 6 + COUNT])
    return [frame.rgb_HW3 for frame in film(performer, part, shot)]


WIDE = _shot(REX, "spinkick", Shot(width=96, height=96))
NEAR = _shot(VEGA, "dance_a", Shot(width=96, height=96, camera=CLOSE, studio=EVENING))


def find_cuts(pictures: list[RGB]) -> tuple[int, ...]:
    """The first frame after each cut, counted from 0 at the first picture."""
    watch = CutWatch(FrameRange(start=0, stop=len(pictures)))
    for index, picture_HW3 in enumerate(pictures):
        watch.see(index, picture_HW3)
    return watch.finish()


def test_each_shot_begins_with_a_cut_and_a_stunt_within_it_is_none() -> None:
    assert find_cuts([*WIDE, *NEAR, *WIDE]) == (COUNT, 2 * COUNT)
    assert find_cuts(WIDE) == ()


@pytest.mark.parametrize("length", [5, 8])
def test_a_shot_of_a_few_frames_is_found(length: int) -> None:
    assert find_cuts([*WIDE, *NEAR[:length], *WIDE]) == (COUNT, COUNT + length)


def test_a_cut_near_either_end_is_found() -> None:
    assert find_cuts([*WIDE[:4], *NEAR]) == (4,)
    assert find_cuts([*WIDE, *NEAR[:2]]) == (COUNT,)


@pytest.mark.parametrize("length", range(1, LONGEST_FLASH_FRAMES))
def test_a_flash_is_no_cut(length: int) -> None:
    white = np.full_like(WIDE[0], 250)
    assert find_cuts([*WIDE[:8], *[white] * length, *WIDE[8:]]) == ()


def test_a_fast_pan_is_no_cut_and_a_cut_within_a_slow_one_is() -> None:
    assert find_cuts(panned(24, step=24)) == ()
    night = [picture // 6 for picture in panned(16, step=1, seed=9)]
    assert find_cuts([*panned(16, step=1), *night]) == (16,)


def test_a_fade_to_another_shot_is_cut_in_the_black_alone() -> None:
    fading = np.linspace(1, 0, 12)
    out = [(WIDE[-1] * share).astype(np.uint8) for share in fading]
    into = [(NEAR[0] * share).astype(np.uint8) for share in fading[::-1]]
    black = [np.zeros_like(WIDE[0])] * 4
    (cut,) = find_cuts([*WIDE, *out, *black, *into, *NEAR])
    dark = COUNT + 11
    assert dark <= cut <= dark + 6


def test_a_dark_picture_is_not_black() -> None:
    dim = [(picture // 12).astype(np.uint8) for picture in WIDE]
    assert find_cuts([*WIDE, *dim, *WIDE]) == (COUNT, 2 * COUNT)
    assert find_cuts(dim) == ()


def test_a_dissolve_is_no_cut() -> None:
    mixed = [
        (one * (1 - share) + other * share).astype(np.uint8)
        for one, other, share in zip(WIDE, NEAR, np.linspace(0, 1, COUNT), strict=True)
    ]
    assert find_cuts([*WIDE, *mixed, *NEAR]) == ()


def test_clips_of_no_frame_one_frame_and_one_picture_have_no_cut() -> None:
    assert find_cuts([]) == find_cuts(WIDE[:1]) == find_cuts([texture(3)] * 12) == ()


def test_a_part_of_a_clip_has_the_cuts_that_the_whole_has_there() -> None:
    pictures = [*WIDE, *NEAR[:6], *WIDE[:8], *NEAR]
    whole = find_cuts(pictures)
    assert len(whole) == 3
    for start in range(0, len(pictures), 5):
        frames = FrameRange(start=start, stop=min(start + 5, len(pictures)))
        watch = CutWatch(frames)
        for index in range(max(0, start - REACH), min(frames.stop + REACH, len(pictures))):
            watch.see(index, pictures[index])
        assert watch.finish() == tuple(cut for cut in whole if start <= cut < frames.stop)
