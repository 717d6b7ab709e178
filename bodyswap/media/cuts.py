"""Scene cuts: where a clip's picture becomes another one from one frame to the next.

PySceneDetect's detector does the looking. A cut must stand out from the frames around it, which a
fast pan does not; and no picture shortly after may be like one shortly before, which lets flashes
pass. A picture that comes out of black is a cut, black itself is none; nor is a dissolve, nor a
jump of one person before the same background.
Whether a frame is a cut depends on `REACH` frames on either side and on nothing else, so a pass
over a part of a clip sees what a pass over all of it sees.
It does not know files or what a cut is for. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ContentDetector
from scenedetect.stats_manager import StatsManager

from bodyswap.frames import RGB, FrameBatch
from bodyswap.timing import FrameRange

LONGEST_FLASH_FRAMES = 4
"""A picture that is back after so many frames was never cut away from."""
REACH = 10
"""Frames before and after one that tell whether it is a cut."""
_STANDS_OUT, _LEAST_CHANGE = 3.0, 15.0
"""A cut's change, in PySceneDetect's 0 to 255: over the mean of those around it, and at least."""
_IS_BACK = 0.5
"""Pictures on both sides so much nearer to each other than those at the cut are the same again."""
_BLACK_GREY = 3
_LEAST_BLACK_FRAMES = 2
_WIDTH_PX = 192
_RATE = 25.0
"""PySceneDetect's times need one; lengths are in frames here, so it changes nothing."""


class CutWatch:
    """Watches a range of frames go by, with `REACH` frames more on either side where there are."""

    def __init__(self, frames: FrameRange) -> None:
        self._frames = frames
        self._recent: deque[tuple[int, RGB]] = deque(maxlen=2 * REACH + 1)
        self._doubtful: deque[int] = deque()
        self._cuts: list[int] = []

    def passing(self, batches: Iterable[FrameBatch], wanted: FrameRange) -> Iterator[FrameBatch]:
        """The batches again, each frame looked at; only `wanted` frames are passed on."""
        for batch in batches:
            for index, rgb_HW3 in enumerate(batch.rgb_NHW3, start=batch.first_index):
                self.see(index, rgb_HW3)
            inside = batch.within(wanted)
            if len(inside):
                yield inside

    def see(self, index: int, picture_HW3: RGB) -> None:
        """Take in the clip's frame `index`; frames come in order."""
        small_HW3 = _small_bgr(picture_HW3)
        if self._recent and _may_be_cut(self._recent[-1][1], small_HW3):
            self._doubtful.append(index)
        self._recent.append((index, small_HW3))
        while self._doubtful and index >= self._doubtful[0] + REACH:
            self._judge(self._doubtful.popleft())

    def finish(self) -> tuple[int, ...]:
        """The range's cuts in order: each the first frame of what it cuts to."""
        while self._doubtful:
            self._judge(self._doubtful.popleft())
        return tuple(self._cuts)

    def _judge(self, index: int) -> None:
        if not self._frames.start <= index < self._frames.stop:
            return
        around = [(i, one) for i, one in self._recent if abs(i - index) <= REACH]
        first = around[0][0]
        if _is_cut([one for _, one in around], index - first):
            self._cuts.append(index)


def _may_be_cut(before_HW3: RGB, after_HW3: RGB) -> bool:
    """What every cut must pass; nearly no other frame does."""
    if _is_black(after_HW3):
        return False
    return _is_black(before_HW3) or _change(before_HW3, after_HW3) >= _LEAST_CHANGE


def _is_cut(around: Sequence[RGB], place: int) -> bool:
    is_sudden = place in _sudden_changes(around)
    return (is_sudden or _ends_black(around, place)) and not _is_back(around, place)


def _sudden_changes(pictures: Sequence[RGB]) -> set[int]:
    """Where one picture changes so much more than the ones around it that it is another one."""
    detector = AdaptiveDetector(
        adaptive_threshold=_STANDS_OUT,
        min_content_val=_LEAST_CHANGE,
        min_scene_len=LONGEST_FLASH_FRAMES,
    )
    # It tells some frames late: the last picture is held for as long.
    held = [*pictures, *[pictures[-1]] * detector.window_width]
    return {
        int(time.frame_num)
        for index, small_HW3 in enumerate(held)
        for time in detector.process_frame(_time(index), small_HW3)
    }


def _ends_black(around: Sequence[RGB], place: int) -> bool:
    before = around[max(0, place - _LEAST_BLACK_FRAMES) : place]
    return len(before) == _LEAST_BLACK_FRAMES and all(map(_is_black, before))


def _is_back(around: Sequence[RGB], place: int) -> bool:
    """Whether a picture shortly after `place` is like one shortly before it."""
    before = around[max(0, place - LONGEST_FLASH_FRAMES) : place]
    after = around[place : place + LONGEST_FLASH_FRAMES]
    nearest = min(_change(one, other) for one in before for other in after)
    return nearest < _IS_BACK * _change(before[-1], after[0])


def _is_black(picture_HW3: RGB) -> bool:
    return float(picture_HW3.mean()) <= _BLACK_GREY


def _change(one_HW3: RGB, other_HW3: RGB) -> float:
    """How much one picture differs from another: PySceneDetect's content value."""
    detector = ContentDetector(threshold=256)
    stats = detector.stats_manager = StatsManager()
    for index, small_HW3 in enumerate((one_HW3, other_HW3)):
        detector.process_frame(_time(index), small_HW3)
    (change,) = stats.get_metrics(_time(1), [ContentDetector.FRAME_SCORE_KEY])
    return float(change)


def _time(index: int) -> FrameTimecode:
    return FrameTimecode(index, fps=_RATE)


def _small_bgr(picture_HW3: RGB) -> RGB:
    """As large as is needed to tell pictures apart, blue first as the detectors want it."""
    rows, columns = picture_HW3.shape[:2]
    size = _WIDTH_PX, max(1, round(rows * _WIDTH_PX / columns))
    small = cv2.resize(np.ascontiguousarray(picture_HW3), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8)
