import pytest

from bodyswap.config import Mode, RenderSettings
from bodyswap.errors import UsageError


def test_settings_survive_storage() -> None:
    settings = RenderSettings(mode=Mode.EXACT, warmup_frames=3).with_overrides(
        ["pose.batch_frames=4"]
    )
    assert RenderSettings.from_dict(settings.to_dict()) == settings
    assert settings.pose.batch_frames == 4


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("pose.batch=4", "did you mean 'pose.batch_frames'"),
        ("cdec=h264", "did you mean 'codec'"),
        ("pose.batch_frames=many", "pose.batch_frames"),
        ("pose.batch_frames=0", "at least 1"),
        ("mode=slow", "mode"),
        ("codec=theora", "choose one of h264, h264-10, .*ffv1"),
        ("warmup_frames=-1", "negative"),
        ("codec", "no '='"),
        ("pose=[", r"'pose=\['.* cannot be read.* write it like"),
        ("solve=3", "'solve' is 3, and has settings of its own; set solve.longest_gap_s"),
    ],
)
def test_a_wrong_override_says_what_to_write_instead(override: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        RenderSettings().with_overrides([override])
