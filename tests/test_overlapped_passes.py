"""Both passes with overlapping stages give, to the bit, what they give taking turns."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from bodyswap.config import Mode, RenderSettings
from bodyswap.encode import CODECS, encode
from bodyswap.errors import PlateError, StoreError
from bodyswap.nets.card import Origin, SubjectCard
from bodyswap.nets.checkpoint import save_subject
from bodyswap.nets.generator import Generator, GeneratorConfig
from bodyswap.overlap import NO_OVERLAP, Overlap
from bodyswap.passes.plate_facts import PLATE_FACTS
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline, RenderedRange
from bodyswap.retarget import measure_stance
from bodyswap.rights.mark import mark_of
from bodyswap.skeleton import COCO_17
from bodyswap.stage.cast import REX, VEGA
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film
from bodyswap.timing import FrameRange
from tests.media.clips import steady
from tests.motions_on_stage import stage_poses

PX, COUNT = 128, 30
SHOT = FrameRange(start=0, stop=COUNT)
PART = FrameRange(start=5, stop=28)
POSES = stage_poses(VEGA, "walk", size=PX)
MARK = mark_of("0123456789abcdef", b"sixteen bytes or more")
Pipelines = tuple[Pipeline, Pipeline]
PLAIN = RenderSettings(device="cpu", engine="eager", warmup_frames=2)


@pytest.fixture(scope="module")
def pipelines() -> Pipelines:
    """One whose stages take turns, and one whose stages overlap."""
    return Pipeline(NO_OVERLAP), Pipeline(Overlap(frames=8))


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plate") / "plate.mp4"
    motion = load_motion("walk").at_rate(Fraction(24))
    motion = motion.at(motion.time_T[:COUNT])
    pictures = [frame.rgb_HW3 for frame in film(REX, motion, Shot(width=PX, height=PX))]
    encode(pictures, path, timeline=steady(COUNT, 24), frames=SHOT, codec=CODECS["h264"])
    return path


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subject") / "tiny"
    torch.manual_seed(3)
    config = GeneratorConfig(
        pose_channels=len(COCO_17.limbs), first_channels=8, downsamplings=2, residual_blocks=1
    )
    card = SubjectCard(
        origin=Origin(subject="tiny", consent="synthetic"), skeleton=COCO_17.name,
        width=PX, height=PX, generator=config,
        stance=measure_stance(POSES, width=PX, height=PX),
    )  # fmt: skip
    background = np.full((PX, PX, 3), (30, 90, 150), np.uint8)
    save_subject(folder, card, Generator(config).state_dict(), background)
    return folder


@pytest.mark.parametrize("mode", list(Mode))
def test_the_pose_pass_sees_the_same(pipelines: Pipelines, plate: Path, mode: Mode) -> None:
    settings, told = replace(PLAIN, mode=mode), []
    turns, overlapped = (
        each.pose_range(plate, SHOT, settings=settings, on_frame=told.append).to_bytes()
        for each in pipelines
    )
    assert turns == overlapped
    assert told == 2 * [8, 16, 24, 30]


@pytest.mark.parametrize("codec", ["h264", "ffv1-alpha", "png", "exr"])
def test_the_render_pass_writes_the_same(
    pipelines: Pipelines, plate: Path, subject: Path, tmp_path: Path, codec: str
) -> None:
    settings = replace(PLAIN, codec=codec)
    turns, overlapped = (
        _render(pipeline, plate, subject, tmp_path / name, settings)
        for name, pipeline in zip(("turns", "overlapped"), pipelines, strict=True)
    )
    assert turns == overlapped
    assert len(turns.picture_hashes) == len(PART) and len(turns.prints) == 1
    assert _files(tmp_path / "turns") == _files(tmp_path / "overlapped")


def test_a_cropped_shot_is_the_same_however_it_is_cut(
    pipelines: Pipelines, plate: Path, subject: Path, tmp_path: Path
) -> None:
    settings, pipeline = replace(PLAIN, codec="ffv1", crop=True), pipelines[1]
    whole = _render(pipeline, plate, subject, tmp_path / "whole", settings)
    plain = _render(pipeline, plate, subject, tmp_path / "plain", replace(settings, crop=False))
    assert whole.picture_hashes != plain.picture_hashes
    hashes: list[str] = []
    state, shot = None, _solved(plate, subject, settings)
    for start, stop in ((PART.start, 12), (12, PART.stop)):
        part = pipeline.render_range(
            shot, FrameRange(start=start, stop=stop), tmp_path / f"{start}.mp4",
            state=state, on_frame=_ignore,
        )  # fmt: skip
        hashes += part.picture_hashes
        state = part.boundary
    assert tuple(hashes) == whole.picture_hashes


@pytest.mark.parametrize("codec", ["ffv1", "exr"])
def test_the_subject_is_laid_into_the_plate_the_same(
    pipelines: Pipelines, plate: Path, subject: Path, tmp_path: Path, codec: str
) -> None:
    settings = replace(PLAIN, codec=codec, over="plate")
    first, second = pipelines
    seen = first.pose_range(plate, SHOT, settings=settings, on_frame=_ignore)
    shot = ShotInputs(plate=plate, subject=subject, settings=settings)
    solved = first.solve_shot(seen, shot, SHOT)
    for name, pipeline in (("turns", first), ("overlapped", second)):
        _render(pipeline, plate, subject, tmp_path / name, settings, solved.subject, solved.recipe)
    assert _files(tmp_path / "turns") == _files(tmp_path / "overlapped")
    assert (tmp_path / "turns" / PLATE_FACTS).is_file()


def test_an_error_in_the_middle_is_the_same_error_and_leaves_nothing(
    subject: Path, pipelines: Pipelines, plate: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.mp4"
    data = bytearray(plate.read_bytes())
    at = len(data) * 2 // 3
    data[at : at + 400] = bytes(400)
    damaged.write_bytes(data)
    told: list[str] = []
    for pipeline in pipelines:
        with pytest.raises(PlateError) as caught:
            pipeline.pose_range(damaged, SHOT, settings=PLAIN, on_frame=_ignore)
        told.append(str(caught.value))
    assert told[0] == told[1] and "does not decode" in told[0]


def test_a_render_that_is_told_to_stop_stops_as_it_would_taking_turns(
    pipelines: Pipelines, plate: Path, subject: Path, tmp_path: Path
) -> None:
    def refuse(done: int) -> None:
        told.append(done)
        if done == 6:
            raise StoreError("the store is gone")

    for name, pipeline in zip(("turns", "overlapped"), pipelines, strict=True):
        told: list[int] = []
        folder = tmp_path / name
        folder.mkdir()
        with pytest.raises(StoreError, match="gone"):
            pipeline.render_range(
                _solved(plate, subject, PLAIN), PART, folder / "segment.mp4",
                state=None, on_frame=refuse,
            )  # fmt: skip
        assert told == [1, 2, 3, 4, 5, 6]
        assert not list(folder.iterdir())


def _render(
    pipeline: Pipeline,
    plate: Path,
    subject: Path,
    folder: Path,
    settings: RenderSettings,
    poses: PoseSequence = POSES,
    recipe: bytes | None = None,
) -> RenderedRange:
    """What was rendered, but for where it lies."""
    folder.mkdir()
    suffix = CODECS[settings.codec].suffix if settings.codec in CODECS else ".json"
    shot = replace(_solved(plate, subject, settings), poses=poses, recipe=recipe, mark=MARK)
    rendered = pipeline.render_range(
        shot, PART, folder / f"segment{suffix}", state=None, on_frame=_ignore
    )
    segment = replace(rendered.segment, path=Path(), frame_files=())
    return replace(rendered, segment=segment)


def _solved(plate: Path, subject: Path, settings: RenderSettings) -> SolvedShot:
    inputs = ShotInputs(plate=plate, subject=subject, settings=settings)
    return SolvedShot(inputs=inputs, poses=POSES)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _ignore(_done: int) -> None:
    return
