"""A stranger's clip is looked at by a process that is thrown away, within the operator's limits."""

import os
import signal
import subprocess
import zipfile
from pathlib import Path

import msgspec
import pytest
from command_line import run_command

from bodyswap.config import RenderSettings
from bodyswap.errors import PlateError, UsageError
from bodyswap.media.index import index_clip
from bodyswap.media.probe import MediaLimits, Probed, _why_it_ended, probe
from bodyswap.pipeline import Pipeline
from bodyswap.rights.trust import read_trust
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, write_clip

LIMITS = MediaLimits()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("probe") / "clip.mp4", pictures(12))


def _limits(**changes: float) -> MediaLimits:
    return msgspec.structs.replace(LIMITS, **changes)


def test_a_probe_answers_what_an_index_would(clip: Path) -> None:
    told, index = probe(clip, LIMITS), index_clip(clip)
    assert told == Probed(
        frame_count=12, width=index.width, height=index.height, codec="h264",
        duration_s=float(12 / index.timeline.rate), first_number=1001, has_rate=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"most_frames": 11}, "12 frames, and 11 are the most"),
        ({"most_pixels": 100}, "pixels a frame, and 100 are the most"),
        ({"most_duration_s": 0.1}, "seconds, and 0.1 are the most"),
        ({"probe_s": 0.001}, "takes more than 0.001 s"),
        ({"probe_memory_mib": 1}, "takes more than 1 MiB"),
    ],
)
def test_whatever_is_beyond_a_limit_is_refused_by_name(
    clip: Path, changes: dict[str, float], wrong: str
) -> None:
    with pytest.raises(PlateError, match=wrong):
        probe(clip, _limits(**changes))


@pytest.mark.parametrize(
    "text", ["#EXTM3U\nfile:///etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n", "", "x"]
)
def test_playlists_and_rubbish_are_refused_in_the_readers_own_words(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "plate.mp4"
    path.write_text(text)
    with pytest.raises(PlateError, match=r"plate\.mp4 .*(no video|cannot be read)") as refused:
        probe(path, LIMITS)
    assert "\n" not in str(refused.value)


def test_a_reader_that_dies_is_told_of_and_costs_nothing_else(clip: Path) -> None:
    def died(code: int, words: bytes = b"") -> str:
        done = subprocess.CompletedProcess(["probe"], code, b"", words)
        return _why_it_ended(done, clip, LIMITS)

    assert "broke what was to read it (exit code -11)" in died(-signal.SIGSEGV)
    assert "takes more than 120 s" in died(-signal.SIGXCPU)
    assert "takes more than 2048 MiB" in died(1, b"Traceback\nMemoryError")


def test_a_packed_archive_that_would_swell_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shot.1001.png", bytes(50_000_000))
    with pytest.raises(PlateError, match="frames are stored as they are"):
        probe(bomb, LIMITS)
    assert sum(each.stat().st_size for each in tmp_path.rglob("*.png")) == 0


def test_the_operators_limits_hold_at_submit_and_on_the_worker(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rights = tmp_path / "rights.yaml"
    rights.write_text(
        Path(os.environ["BODYSWAP_RIGHTS"]).read_text() + "\nlimits: {most_frames: 5}\n"
    )
    monkeypatch.setenv("BODYSWAP_RIGHTS", str(rights))
    code, _, wrong = run_command(
        capsys, "submit", clip, "--subject", "vega", "--store", tmp_path / "store"
    )
    assert code == 3 and "12 frames, and 5 are the most here" in wrong
    with pytest.raises(PlateError, match="5 are the most here"):
        Pipeline().pose_range(
            clip, FrameRange(start=0, stop=2), settings=RenderSettings(), on_frame=lambda _: None
        )
    with pytest.raises(UsageError, match="above 0"):
        read_trust("limits: {most_frames: 0}", "it")
