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


def test_a_bad_moment_is_shown_once_and_the_next_elsewhere_says_what_was_passed_over() -> None:
    found = find_worst(_report({10: 0.1, 11: 0.2, 12: 0.3, 20: 0.5}))
    assert [(one.index, one.why) for one in found] == [
        (10, "worst SSIM"),
        (20, "number 4 by SSIM, the worst away from frames shown above"),
    ]


def test_the_worst_by_each_score_is_always_there_and_named_for_all_it_is_worst_in() -> None:
    near = find_worst(_report({10: 0.1}, {10 + APART_FRAMES - 3: 0.1}))
    assert [(one.index, one.why) for one in near][:2] == [
        (10, "worst SSIM"),
        (10 + APART_FRAMES - 3, "worst face SSIM"),
    ]
    same = find_worst(_report({10: 0.1}, {10: 0.1}))
    assert same[0].why == "worst SSIM and face SSIM"


def test_motion_is_ranked_and_named_by_what_exceeds_the_reference() -> None:
    restless = {3: (9.0, 8.5), 20: (5.0, 1.0)}
    report = QualityReport(
        frames=tuple(
            FrameQuality(
                psnr_db=30.0, ssim=0.9, lpips=0.1,
                warping_error=restless.get(index, (1.0, 1.0))[0],
                reference_warping_error=restless.get(index, (1.0, 1.0))[1],
            )
            for index in range(COUNT)
        )
    )  # fmt: skip
    whys = {one.index: one.why for one in find_worst(report)}
    assert whys[20] == "worst warping error above the reference's"
    assert whys[0] == "worst LPIPS" and not any("SSIM" in why for why in whys.values())


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
