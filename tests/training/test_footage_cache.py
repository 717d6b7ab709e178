"""Prepared footage is made once, and made anew where anything it came from differs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import PoseSettings, RenderSettings, SolveSettings
from bodyswap.timing import FrameRange
from bodyswap.training.dataset import draw_batch
from bodyswap.training.footage import SubjectFootage
from bodyswap.training.footage_cache import FootageCache, content_key
from cluster.stores.local import LocalStore
from tests.training.subject_film import TINY, film, standing_poses


class _NotAgainError(Exception):
    pass


def _never() -> SubjectFootage:
    raise _NotAgainError


def test_kept_footage_gives_the_same_batches_bit_for_bit(tmp_path: Path) -> None:
    made = film(6, clip_starts=(0, 3))
    kept = FootageCache(tmp_path).footage("key", lambda: made)
    again = FootageCache(tmp_path).footage("key", _never)
    assert isinstance(again.rgb_NHW3, np.memmap)
    for step in range(4):
        wanted = draw_batch(made, TINY, step)
        for footage in (kept, again):
            got = draw_batch(footage, TINY, step)
            for name in ("real_BT3HW", "matte_BT1HW", "background_B3HW", "keypoints_BTK2"):
                assert getattr(got, name).equal(getattr(wanted, name)), name
    assert again.clip_starts == (0, 3)


def test_poses_are_found_once(tmp_path: Path) -> None:
    made = standing_poses(3)
    FootageCache(tmp_path).poses("key", lambda: made)
    kept = FootageCache(tmp_path).poses("key", lambda: pytest.fail("looked again"))
    assert np.array_equal(kept.keypoints_NK2, made.keypoints_NK2)


def test_poses_found_on_another_machine_are_not_found_again(tmp_path: Path) -> None:
    store, made = LocalStore(tmp_path / "store"), standing_poses(3)
    FootageCache(tmp_path / "here", store).poses("key", lambda: made)
    kept = FootageCache(tmp_path / "there", store).poses("key", lambda: pytest.fail("looked again"))
    assert np.array_equal(kept.keypoints_NK2, made.keypoints_NK2)


def test_a_preparation_that_failed_leaves_nothing_and_is_begun_again(tmp_path: Path) -> None:
    with pytest.raises(_NotAgainError):
        FootageCache(tmp_path).footage("key", _never)
    broken = film()
    object.__setattr__(broken, "poses", None)
    with pytest.raises(AttributeError):
        FootageCache(tmp_path).footage("key", lambda: broken)
    assert list(tmp_path.iterdir()) == []
    assert len(FootageCache(tmp_path).footage("key", film)) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_of_two_that_prepare_at_once_both_read_what_the_quicker_one_kept(tmp_path: Path) -> None:
    def overtaken() -> SubjectFootage:
        FootageCache(tmp_path).footage("key", film)
        return film()

    assert len(FootageCache(tmp_path).footage("key", overtaken)) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_anything_that_footage_comes_from_is_in_its_key() -> None:
    frames, plain = FrameRange(start=0, stop=9), RenderSettings()
    keys = [
        content_key([("aa", frames)], plain, 256),
        content_key([("bb", frames)], plain, 256),
        content_key([("aa", FrameRange(start=0, stop=8))], plain, 256),
        content_key([("aa", frames), ("aa", frames)], plain, 256),
        content_key([("aa", frames)], plain, 512),
        content_key([("aa", frames)], replace(plain, pose=PoseSettings(flip=False)), 256),
        content_key([("aa", frames)], replace(plain, solve=SolveSettings(smoothing="off")), 256),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == content_key([("aa", frames)], replace(plain, codec="ffv1"), 256)
