"""Scene cuts: where a clip's picture becomes another one from one frame to the next.

PySceneDetect's detectors do the looking. A cut must stand out from the frames around it, which a
fast pan does not; and no picture shortly after may be like one shortly before, which lets flashes
pass. A fade through black counts as a cut in the black. A dissolve is none, nor is a jump of one
person before the same background.
It does not know files or what a cut is for. Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ContentDetector, ThresholdDetector
from scenedetect.stats_manager import StatsManager

from bodyswap.frames import RGB

LONGEST_FLASH_FRAMES = 4
"""A picture that is back after so many frames was never cut away from."""
_STANDS_OUT, _LEAST_CHANGE = 3.0, 15.0
"""A cut's change, in PySceneDetect's 0 to 255: over the mean of those around it, and at least."""
_IS_BACK = 0.5
"""Pictures on both sides so much nearer to each other than those at the cut are the same again."""
_BLACK_GREY = 3
_LEAST_BLACK_FRAMES = 2
_WIDTH_PX = 192
_RATE = 25.0
"""PySceneDetect's times need one; lengths are in frames here, so it changes nothing."""


def find_cuts(pictures: Iterable[RGB]) -> tuple[int, ...]:
    """The first frame after each cut, counted from 0 at the first picture, in order."""
    abrupt, black = _AbruptCuts(), _BlackCuts()
    found: list[int] = []
    for index, picture_HW3 in enumerate(pictures):
        small_HW3 = _small_bgr(picture_HW3)
        found += abrupt.watch(index, small_HW3)
        found += black.watch(index, small_HW3)
    found += abrupt.finish()
    return tuple(_apart(sorted(found)))


class _AbruptCuts:
    """Cuts from one picture to the next, told some frames late."""

    def __init__(self) -> None:
        self._detector = AdaptiveDetector(
            adaptive_threshold=_STANDS_OUT,
            min_content_val=_LEAST_CHANGE,
            min_scene_len=LONGEST_FLASH_FRAMES,
        )
        self._recent: deque[tuple[int, RGB]] = deque(
            maxlen=2 * LONGEST_FLASH_FRAMES + self._detector.window_width
        )
        self._doubtful: list[int] = []

    def watch(self, index: int, small_HW3: RGB) -> Iterator[int]:
        """The cuts that are certain with this frame."""
        self._recent.append((index, small_HW3))
        told = self._detector.process_frame(_time(index), small_HW3)
        self._doubtful += [int(time.frame_num) for time in told]
        due = [cut for cut in self._doubtful if index >= cut + LONGEST_FLASH_FRAMES - 1]
        yield from self._settled(due)

    def finish(self) -> Iterator[int]:
        """The cuts near the end, which has fewer frames after them to look at."""
        if self._recent:
            last, small_HW3 = self._recent[-1]
            for ahead in range(1, self._detector.window_width + 1):
                told = self._detector.process_frame(_time(last + ahead), small_HW3)
                self._doubtful += [int(time.frame_num) for time in told]
        yield from self._settled(self._doubtful[:])

    def _settled(self, cuts: Sequence[int]) -> Iterator[int]:
        for cut in cuts:
            self._doubtful.remove(cut)
            if not self._is_back(cut):
                yield cut

    def _is_back(self, cut: int) -> bool:
        """Whether a picture shortly after `cut` is like one shortly before it."""
        reach = LONGEST_FLASH_FRAMES
        before = [one for index, one in self._recent if cut - reach <= index < cut]
        after = [one for index, one in self._recent if cut <= index < cut + reach]
        nearest = min(_change(one, other) for one in before for other in after)
        return nearest < _IS_BACK * _change(before[-1], after[0])


class _BlackCuts:
    """Fades and cuts through black, told when the picture comes back: the middle of the black."""

    def __init__(self) -> None:
        self._detector = ThresholdDetector(
            threshold=_BLACK_GREY, min_scene_len=1, min_out_length=_LEAST_BLACK_FRAMES
        )

    def watch(self, index: int, small_HW3: RGB) -> list[int]:
        return [
            int(time.frame_num)
            for time in self._detector.process_frame(_time(index), small_HW3)
            if time.frame_num > 0
        ]


def _change(one_HW3: RGB, other_HW3: RGB) -> float:
    """How much one picture differs from another: PySceneDetect's content value."""
    detector = ContentDetector(threshold=256)
    stats = detector.stats_manager = StatsManager()
    for index, small_HW3 in enumerate((one_HW3, other_HW3)):
        detector.process_frame(_time(index), small_HW3)
    (change,) = stats.get_metrics(_time(1), [ContentDetector.FRAME_SCORE_KEY])
    return float(change)


def _apart(cuts: Sequence[int]) -> Iterator[int]:
    """The cuts, without those right after another: both detectors may see one."""
    for before, cut in pairwise([-LONGEST_FLASH_FRAMES, *cuts]):
        if cut - before >= LONGEST_FLASH_FRAMES:
            yield cut


def _time(index: int) -> FrameTimecode:
    return FrameTimecode(index, fps=_RATE)


def _small_bgr(picture_HW3: RGB) -> RGB:
    """As large as is needed to tell pictures apart, blue first as the detectors want it."""
    rows, columns = picture_HW3.shape[:2]
    size = _WIDTH_PX, max(1, round(rows * _WIDTH_PX / columns))
    small = cv2.resize(np.ascontiguousarray(picture_HW3), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8)
