import numpy as np

from bodyswap.frames import RGB
from bodyswap.quality.metrics import FrameQuality, QualityReport
from bodyswap.quality.worst_frames import APART_FRAMES, draw_worst, find_worst
from bodyswap.timing import FrameRange

COUNT = 30


def _report(ssim: dict[int, float], face: dict[int, float] | None = None) -> QualityReport:
    return QualityReport(
        frames=tuple(
            FrameQuality(
                psnr_db=30.0,
                ssim=ssim.get(index, 0.9),
                face_ssim=None if face is None else face.get(index, 0.8),
            )
            for index in range(COUNT)
        )
    )


def test_a_bad_moment_is_shown_once_and_the_next_elsewhere() -> None:
    found = find_worst(_report({10: 0.1, 11: 0.2, 12: 0.2, 20: 0.5}))
    assert [(one.index, one.why) for one in found] == [
        (10, "worst by picture"),
        (20, "next worst by picture"),
    ]


def test_the_worst_by_each_score_is_always_there_and_named_for_all_it_is_worst_in() -> None:
    near = find_worst(_report({10: 0.1}, {10 + APART_FRAMES - 3: 0.1}))
    assert [one.index for one in near][:2] == [10, 10 + APART_FRAMES - 3]
    same = find_worst(_report({10: 0.1}, {10: 0.1}))
    assert same[0].why == "worst by picture and face"


def test_the_picture_asks_for_those_frames_and_shows_where_they_differ() -> None:
    asked: list[int] = []

    def show(index: int) -> tuple[RGB, RGB]:
        asked.append(index)
        render, reference = (np.full((64, 64, 3), 80, np.uint8) for _ in range(2))
        render[:, 32:] += 20
        return render, reference

    report = _report({10: 0.1, 20: 0.5})
    picture = draw_worst(report, FrameRange(start=0, stop=COUNT), show)
    assert asked == [one.index for one in find_worst(report)] == [10, 20]
    row = picture[24 + 24 + 200]
    assert row[100].tolist() == [80] * 3 and row[400].tolist() == [100] * 3
    assert row[476 + 400].tolist() == [80] * 3
    assert row[952 + 100].tolist() == [0] * 3 and row[952 + 400].tolist() == [80] * 3
