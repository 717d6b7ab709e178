"""A shot of two takes, cut any way into shards: cuts carry nothing over, and no plan shows."""

import json
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bodyswap.config import Mode, RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.joins import Join, RenderedPart
from bodyswap.media.index import index_clip
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import Detections, PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.stage.camera import Camera
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange, Timeline
from cluster.jobs.plan import aligned
from tests.cluster.command_line import run_command

COUNT, CUT = 40, 26
WHOLE = FrameRange(start=0, stop=COUNT)
SUBJECT = packaged_subjects()["vega"]
WIDE = Shot(width=256, height=256)
CLOSE = Shot(width=256, height=256, camera=Camera(position=(2.6, 1.4, 0.9), target=(0, 1, 0)))


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rex from one side, and from frame 1027 on vega from another."""
    path = tmp_path_factory.mktemp("plate") / "two takes.mp4"
    pictures: list[RGB] = []
    for performer, motion, shot, count in (
        (REX, "walk", WIDE, CUT),
        (VEGA, "dance_a", CLOSE, COUNT - CUT),
    ):
        moves = load_motion(motion).turned(0.4).at_rate(Fraction(24))
        part = moves.at(moves.time_T[2 : 2 + count])
        pictures += [frame.rgb_HW3 for frame in film(performer, part, shot)]
    timeline = Timeline(pts=tuple(range(COUNT)), time_base=Fraction(1, 24), rate=Fraction(24))
    encode(pictures, path, timeline=timeline, frames=WHOLE, codec=CODECS["h264"])
    return path


class Studio:
    """The plate's passes by a warm pipeline, cut as a test likes."""

    def __init__(self, plate: Path, folder: Path) -> None:
        self._pipeline, self._plate, self._folder = Pipeline(), plate, folder
        self._runs = 0

    def posed(self, ranges: tuple[FrameRange, ...], settings: RenderSettings) -> Detections:
        return Detections.joined(
            [
                self._pipeline.pose_range(
                    self._plate, part, settings=settings, on_frame=lambda done: None
                )
                for part in ranges
            ]
        )

    def solved(self, detections: Detections, settings: RenderSettings) -> PoseSequence:
        return self._pipeline.solve_shot(detections, self._inputs(settings), WHOLE).subject

    def shot(
        self, poses: PoseSequence, bounds: list[int], settings: RenderSettings
    ) -> tuple[list[RGB], tuple[Join, ...]]:
        """The assembled pictures and the joins of a render cut at `bounds`."""
        self._runs += 1
        folder = self._folder / str(self._runs)
        parts: list[RenderedPart] = []
        solved = SolvedShot(inputs=self._inputs(settings), poses=poses)
        for start, stop in pairwise([0, *bounds, COUNT]):
            frames, is_exact = FrameRange(start=start, stop=stop), settings.mode is Mode.EXACT
            part_folder = folder / str(start)
            part_folder.mkdir(parents=True)
            made = self._pipeline.render_range(
                solved, frames, part_folder / "segment.mp4", on_frame=lambda done: None,
                state=parts[-1].boundary if parts and is_exact else None,
            )  # fmt: skip
            parts.append(
                RenderedPart(
                    frames=frames, segment=made.segment.path, entrance=made.entrance,
                    boundary=made.boundary, picture_hashes=made.picture_hashes,
                )
            )  # fmt: skip
        proven = self._pipeline.prove_joins(parts, solved, folder)
        out = folder / "shot.mp4"
        self._pipeline.assemble_shot(
            list(proven.segments), self._plate, WHOLE, out, settings=settings
        )
        return _pictures(out), self._pipeline.see_joins(out, WHOLE, proven.joins)

    def _inputs(self, settings: RenderSettings) -> ShotInputs:
        return ShotInputs(plate=self._plate, subject=SUBJECT, settings=settings)


@pytest.fixture(scope="module")
def studio(plate: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(plate, tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def poses(studio: Studio) -> PoseSequence:
    settings = RenderSettings(codec="ffv1")
    return studio.solved(studio.posed((WHOLE,), settings), settings)


def _pictures(path: Path) -> list[RGB]:
    clip = index_clip(path)
    return [picture for batch in decode(clip, clip.frames) for picture in batch.rgb_NHW3]


def _some_bounds(seed: int) -> list[int]:
    """A plan by chance: shards of one frame, of prime lengths, begun at the cut, or any."""
    dice = random.Random(seed)
    bounds = set(dice.sample(range(1, COUNT), dice.randint(1, 5)))
    if seed % 2:
        bounds.add(CUT)
    one = dice.randrange(1, COUNT - 1)
    return sorted(bounds | {one, one + 1})


def test_poses_are_the_same_to_the_bit_however_the_pose_pass_is_cut(
    studio: Studio, poses: PoseSequence
) -> None:
    settings = RenderSettings(codec="ffv1")
    assert poses.cuts == (CUT,)
    for count in (2, 5, 11):
        step = COUNT / count
        bounds = [0, *(round(step * part) for part in range(1, count)), COUNT]
        ranges = aligned(tuple(FrameRange(start=a, stop=b) for a, b in pairwise(bounds)), 24)
        again = studio.solved(studio.posed(ranges, settings), settings)
        assert again.to_bytes() == poses.to_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_exact_mode_is_the_undivided_render_to_the_bit_for_any_plan(
    studio: Studio, poses: PoseSequence, seed: int
) -> None:
    settings = RenderSettings(mode=Mode.EXACT, codec="ffv1")
    whole, _ = studio.shot(poses, [], settings)
    bounds = _some_bounds(seed)
    pictures, joins = studio.shot(poses, bounds, settings)
    assert [join.frame for join in joins] == bounds
    np.testing.assert_array_equal(pictures, whole)
    assert all(join.is_cut or (join.score and join.score.block == 0) for join in joins)


@pytest.mark.parametrize("seed", range(3, 6))
def test_fast_mode_is_within_tolerance_for_any_plan_and_every_join_is_scored(
    studio: Studio, poses: PoseSequence, seed: int
) -> None:
    settings = RenderSettings(codec="ffv1")
    whole, _ = studio.shot(poses, [], settings)
    bounds = _some_bounds(seed)
    pictures, joins = studio.shot(poses, bounds, settings)
    assert [join.frame for join in joins] == bounds
    for join in joins:
        assert join.is_cut == (join.frame == CUT)
        assert join.score is None or join.mended_frames or join.score.block <= 2.0
    apart = np.abs(np.array(pictures, np.int16) - np.array(whole))
    assert np.percentile(apart, 99) <= 1


def test_what_comes_before_a_cut_is_not_seen_after_it(studio: Studio, poses: PoseSequence) -> None:
    settings = RenderSettings(codec="ffv1")
    pictures, (join,) = studio.shot(poses, [CUT], settings)
    whole, _ = studio.shot(poses, [], settings)
    np.testing.assert_array_equal(pictures, whole)
    assert join.is_cut and join.warping_ratio is None and join.mended_frames == 0


def test_shards_begin_at_the_cut_and_the_manifest_says_that_nothing_is_joined_there(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shot"
    code, _, told = run_command(
        capsys, "render", plate, "--subject", "vega", "--out", out, "--store", tmp_path / "store",
        "--shards", "3", "--frames", "1001-1040",
    )  # fmt: skip
    assert code == 0, told
    manifest = json.loads((out / "manifest.json").read_text())
    starts = [part["frames"]["start"] for part in manifest["parts"]]
    assert starts == [0, 13, CUT]
    inner, cut = manifest["joins"]
    assert inner["score"]["block"] <= 2.0 and inner["warping_ratio"] is not None
    assert cut["score"] is None and cut["warping_ratio"] is None
    report = json.loads((out / "solve-report.json").read_text())
    assert report["cuts"] == [CUT]


def test_cuts_can_be_given_or_left_out_and_a_wrong_one_is_refused(
    plate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for cuts, wanted in (("none", 0), ("1013", 0), ("1041", 2), ("soon", 2)):
        out = tmp_path / cuts
        code, _, told = run_command(
            capsys, "render", plate, "--subject", "vega", "--out", out,
            "--store", tmp_path / "store", "--frames", "1009-1018", "--set", f"cuts={cuts}",
        )  # fmt: skip
        assert code == wanted, told
        if code:
            assert "cuts" in told and cuts in told
            continue
        report = json.loads((out / "solve-report.json").read_text())
        assert report["cuts"] == ([12] if cuts == "1013" else [])
