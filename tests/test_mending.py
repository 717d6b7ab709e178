"""Shards of one shot are joined as if they had been one: measured, and mended where it shows."""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.errors import IntegrityError
from bodyswap.frames import RGB
from bodyswap.joins import ProvenJoins, RenderedPart
from bodyswap.media.exr import read_exr
from bodyswap.media.frame_list import FrameList
from bodyswap.media.index import index_clip
from bodyswap.media.trim import keyframes_of, trim
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.passes.mending import score_join
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.pipeline import Pipeline
from bodyswap.render import BoundaryState
from bodyswap.retarget import measure_stance
from bodyswap.rights.mark import Mark, mark_of
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import VEGA
from bodyswap.timing import FrameRange
from tests.media.clips import pictures, steady
from tests.motions_on_stage import stage_poses

SIZE, FRAMES = 64, 24
POSES = stage_poses(VEGA, "walk", size=SIZE)
CUTS = (9, 17)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A plate, a subject with this memory, and a folder for what is rendered of them."""

    folder: Path
    memory_gain: float
    mark: Mark | None = None

    def __post_init__(self) -> None:
        frames = FrameRange(start=0, stop=FRAMES)
        plate = pictures(FRAMES, width=SIZE)
        encode(plate, self.plate, timeline=steady(FRAMES, 24), frames=frames, codec=CODECS["ffv1"])
        torch.manual_seed(3)
        config = GeneratorConfig(
            pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2,
            residual_blocks=1, memory_gain=self.memory_gain,
        )  # fmt: skip
        card = SubjectCard(
            origin=Origin(subject="tiny", consent="synthetic"), skeleton=COCO_17.name,
            width=SIZE, height=SIZE, generator=config,
            stance=measure_stance(POSES, width=SIZE, height=SIZE),
        )  # fmt: skip
        background = np.full((SIZE, SIZE, 3), (30, 90, 150), np.uint8)
        save_subject(self.subject, card, Generator(config).state_dict(), background)

    @property
    def plate(self) -> Path:
        return self.folder / "plate.mp4"

    @property
    def subject(self) -> Path:
        return self.folder / "subject"

    def solved(self, settings: RenderSettings) -> SolvedShot:
        inputs = ShotInputs(plate=self.plate, subject=self.subject, settings=settings)
        return SolvedShot(inputs=inputs, poses=POSES, mark=self.mark)

    def part(self, start: int, stop: int, settings: RenderSettings) -> RenderedPart:
        frames = FrameRange(start=start, stop=stop)
        out = self.folder / f"{start}-{stop}-{settings.codec}"
        out = out.with_suffix(".mp4") if settings.codec in CODECS else out / "segment.json"
        out.parent.mkdir(exist_ok=True)
        rendered = Pipeline().render_range(
            self.solved(settings), frames, out, state=None, on_frame=lambda done: None
        )
        return RenderedPart(
            frames=frames,
            segment=out,
            entrance=rendered.entrance,
            boundary=rendered.boundary,
            picture_hashes=rendered.picture_hashes,
        )

    def parts(self, settings: RenderSettings) -> list[RenderedPart]:
        bounds = (0, *CUTS, FRAMES)
        return [self.part(start, stop, settings) for start, stop in pairwise(bounds)]

    def proven(self, parts: list[RenderedPart], settings: RenderSettings) -> ProvenJoins:
        return Pipeline().prove_joins(parts, self.solved(settings), self.folder)

    def assembled(self, segments: tuple[Path, ...], settings: RenderSettings) -> RGB:
        out = self.folder / "shot.mp4"
        frames = FrameRange(start=0, stop=FRAMES)
        Pipeline().assemble_shot(list(segments), self.plate, frames, out, settings=settings)
        return _frames(out)


def _frames(path: Path) -> RGB:
    clip = index_clip(path)
    return np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])


def _settings(codec: str = "ffv1", **changes: float | int) -> RenderSettings:
    settings = RenderSettings(codec=codec, device="cpu", engine="eager", warmup_frames=0)
    return replace(settings, **changes)


def _shot(folder: Path, memory_gain: float = 0.5) -> Shot:
    return Shot(folder=folder, memory_gain=memory_gain)


def test_shards_that_began_from_nothing_are_mended_into_the_undivided_shot(
    tmp_path: Path,
) -> None:
    shot, settings = _shot(tmp_path), _settings(join_tolerance=0.0)
    whole = _frames(shot.part(0, FRAMES, settings).segment)
    parts = shot.parts(settings)
    cold = shot.assembled(tuple(part.segment for part in parts), settings)
    assert not np.array_equal(cold, whole)
    proven = shot.proven(parts, settings)
    assert [join.frame for join in proven.joins] == list(CUTS)
    assert all(join.score.block > 10 and join.mended_frames for join in proven.joins)
    np.testing.assert_array_equal(shot.assembled(proven.segments, settings), whole)


MARK = mark_of("0123456789abcdef", b"sixteen bytes or more")


def test_the_mark_is_in_mended_frames_too_and_in_no_state_or_join(tmp_path: Path) -> None:
    settings = _settings(join_tolerance=0.0)
    (tmp_path / "plain").mkdir()
    plain, marked = _shot(tmp_path / "plain"), replace(_shot(tmp_path), mark=MARK)
    parts, unmarked = marked.parts(settings), plain.parts(settings)
    assert [(one.entrance, one.boundary, one.picture_hashes) for one in parts] == [
        (one.entrance, one.boundary, one.picture_hashes) for one in unmarked
    ]
    proven = marked.proven(parts, settings)
    assert proven.joins == plain.proven(unmarked, settings).joins
    assert all(join.mended_frames for join in proven.joins)
    whole = _frames(marked.part(0, FRAMES, settings).segment)
    np.testing.assert_array_equal(marked.assembled(proven.segments, settings), whole)
    bare = _frames(plain.part(0, FRAMES, settings).segment)
    assert all(0 < np.abs(a.astype(int) - b).max() <= 12 for a, b in zip(whole, bare, strict=True))


def test_mending_stops_where_a_shard_meets_its_own_old_frames(tmp_path: Path) -> None:
    shot, settings = _shot(tmp_path, memory_gain=0.02), _settings(join_tolerance=0.0)
    whole = _frames(shot.part(0, FRAMES, settings).segment)
    parts = shot.parts(settings)
    proven = shot.proven(parts, settings)
    assert all(0 < join.mended_frames < 6 for join in proven.joins), proven.joins
    assert len(proven.segments) == len(parts) + 2
    np.testing.assert_array_equal(shot.assembled(proven.segments, settings), whole)


def test_a_join_that_does_not_show_is_left_alone_and_scored(tmp_path: Path) -> None:
    shot = _shot(tmp_path, memory_gain=0.02)
    settings = _settings(warmup_frames=8, join_tolerance=0.5)
    parts = shot.parts(settings)
    proven = shot.proven(parts, settings)
    assert proven.segments == tuple(part.segment for part in parts)
    assert all(join.score.block <= 0.5 and join.mended_frames == 0 for join in proven.joins)


def test_a_coded_shot_is_cut_at_a_keyframe_and_nothing_is_coded_twice(tmp_path: Path) -> None:
    shot, settings = _shot(tmp_path, memory_gain=0.02), _settings("h264", join_tolerance=0.0)
    parts = shot.parts(settings)
    proven = shot.proven(parts, settings)
    mended = shot.assembled(proven.segments, settings)
    whole = _frames(shot.part(0, FRAMES, settings).segment)
    assert len(mended) == FRAMES
    assert np.abs(mended.astype(int) - whole).mean() < 2.0
    assert all(join.mended_frames for join in proven.joins)


def test_a_repair_that_never_meets_carries_its_own_end_on(tmp_path: Path) -> None:
    shot, settings = _shot(tmp_path), _settings(join_tolerance=0.0)
    parts = shot.parts(settings)
    foreign = replace(parts[1], picture_hashes=("none",) * len(parts[1].frames))
    proven = shot.proven([parts[0], foreign, parts[2]], settings)
    assert proven.joins[0].mended_frames == len(foreign.frames)
    whole = _frames(shot.part(0, FRAMES, settings).segment)
    np.testing.assert_array_equal(shot.assembled(proven.segments, settings), whole)


def _state(level: int, spot: int = 0) -> BoundaryState:
    picture = np.full((32, 48, 3), level, np.uint8)
    picture[8:16, 8:16] += np.uint8(spot)
    return BoundaryState(previous_HW3=picture)


def test_a_score_finds_a_small_patch_that_percentiles_miss() -> None:
    same = score_join(_state(100), _state(100))
    assert (same.block, same.largest, same.p99, same.psnr_db) == (0.0, 0.0, 0.0, None)
    patch = score_join(_state(100), _state(100, spot=9))
    assert patch.block == pytest.approx(9) and patch.largest == 9
    assert patch.shows(8.0) and not patch.shows(9.5)
    evenly = score_join(_state(100), _state(103))
    assert evenly.p99 == 3 and evenly.psnr_db == pytest.approx(38.59, abs=0.01)
    from_nothing = score_join(_state(100), BoundaryState(previous_HW3=None))
    assert from_nothing.block == 100


def test_a_segment_is_cut_only_where_a_keyframe_is(tmp_path: Path) -> None:
    timeline, frames = steady(12, 24), FrameRange(start=0, stop=12)
    path = tmp_path / "part.mp4"
    encode(pictures(12), path, timeline=timeline, frames=frames, codec=CODECS["h264"])
    cuts = keyframes_of(path)
    assert cuts[0] == timeline.pts[0] and len(cuts) < len(frames)
    between = next(pts for pts in timeline.pts if pts not in cuts)
    with pytest.raises(IntegrityError, match="no keyframe"):
        trim(path, timeline, from_pts=between, out=tmp_path / "rest.mp4")
    assert not (tmp_path / "rest.mp4").exists()


def test_a_sequence_is_mended_file_by_file(tmp_path: Path) -> None:
    shot, settings = _shot(tmp_path), _settings("exr", join_tolerance=0.0)
    whole = shot.part(0, FRAMES, settings).segment.parent
    proven = shot.proven(shot.parts(settings), settings)
    assert all(join.mended_frames for join in proven.joins)
    out = tmp_path / "shot.json"
    frames = FrameRange(start=0, stop=FRAMES)
    Pipeline().assemble_shot(list(proven.segments), shot.plate, frames, out, settings=settings)
    assert len(FrameList.read(out).frames) == FRAMES
    files = [
        segment.parent / frame.name
        for segment in proven.segments
        for frame in FrameList.read(segment).frames
    ]
    assert any("mended" in path.parent.name for path in files)
    for path in files:
        ours, theirs = read_exr(path)[:3], read_exr(whole / path.name)[:3]  # all but qc
        for one, other in zip(ours, theirs, strict=True):
            for name, pixels in one.channels.items():
                np.testing.assert_array_equal(pixels, other.channels[name])
