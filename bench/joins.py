"""Whether joins show: a plate rendered undivided, and cut into shards in several ways.

    python bench/joins.py [PLATE.mp4] [--frames 1001-1240] [--shards 2 5 11] [--strips DIR]

Every shard plan is compared with the undivided render, before encoding loses anything (FFV1): the
largest and the 99th-percentile difference of all pixels, the PSNR of the frames at joins, the
warping error across each join over that of its neighbours, the same over what the undivided render
has at that step, what was mended, and what warm-up cost.
Two bad examples: shards without warm-up, not mended; and a subject that does not contract (its
memory made to amplify), not mended and mended. The plate is the demo's if none is given.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.frames import RGB
from bodyswap.joins import Join, RenderedPart
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.nets.checkpoint import load_subject, save_subject
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.quality.comparison import write_picture
from bodyswap.quality.seams import seam_ratios
from bodyswap.stage.cast import REX
from bodyswap.subjects import packaged_subjects
from bodyswap.timing import FrameRange, parse_frame_range
from cluster.cli.demo import demo_motion, write_film
from cluster.jobs.plan import begun_at, cut

AT_JOIN = 3
"""Frames from each join on whose PSNR is told."""
WORST = 5


@dataclass(frozen=True, kw_only=True)
class Run:
    """One way of cutting, rendered and assembled."""

    shot: Path
    joins: tuple[Join, ...]
    took_s: float
    mend_s: float
    warm_up_frames: int


def main() -> None:
    options = _parser().parse_args()
    pipeline, subject = Pipeline(), packaged_subjects()[options.subject]
    settings = RenderSettings(codec="ffv1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = options.plate or _demo_plate(folder / "demo.mp4")
        clip = index_clip(plate)
        frames = parse_frame_range(options.frames, len(clip)) if options.frames else clip.frames
        poses = _poses(pipeline, plate, frames, subject, settings)
        print(f"{plate.name} {frames}, cuts {list(poses.cuts)}, W {_warm_up(subject)}")
        wild = _amplifying(subject, folder / "wild")
        bench = Bench(pipeline, plate, frames, poses, folder)
        whole = bench.run(1, subject, settings)
        never = replace(settings, join_tolerance=255.0)
        for count in options.shards:
            run = bench.run(count, subject, settings)
            _tell(f"{count} shards", run, whole, frames)
            if options.strips:
                _strips(run, whole, frames, options.strips / f"{count}-shards.png")
        bare = bench.run(options.shards[1], subject, replace(never, warmup_frames=0))
        _tell(f"{options.shards[1]} without warm-up", bare, whole, frames)
        wild_whole = bench.run(1, wild, settings)
        for words, changed in (("not mended", never), ("mended", settings)):
            run = bench.run(options.shards[0], wild, changed)
            _tell(f"{options.shards[0]}, amplifying, {words}", run, wild_whole, frames)


class Bench:
    """Renders the plate's frames in so many shards, into a folder of its own each time."""

    def __init__(
        self, pipeline: Pipeline, plate: Path, frames: FrameRange, poses: PoseSequence, folder: Path
    ) -> None:
        self._pipeline, self._plate, self._frames = pipeline, plate, frames
        self._poses, self._folder, self._runs = poses, folder, 0

    def run(self, count: int, subject: Path, settings: RenderSettings) -> Run:
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        began_s = time.perf_counter()
        ranges = begun_at(cut(self._frames, count), self._poses.cuts)
        parts = [self._part(frames, subject, settings, folder) for frames in ranges]
        rendered_s = time.perf_counter()
        proven = self._pipeline.prove_joins(parts, self._solved(subject, settings), folder)
        mended_s = time.perf_counter()
        shot = folder / "shot.mp4"
        self._pipeline.assemble_shot(
            list(proven.segments), self._plate, self._frames, shot, settings=settings
        )
        joins = self._pipeline.see_joins(shot, self._frames, proven.joins)
        wanted = settings.warmup_frames
        warm_up = _warm_up(subject) if wanted is None else wanted
        inner = sum(not join.is_cut for join in joins)
        return Run(
            shot=shot, joins=joins, took_s=time.perf_counter() - began_s,
            mend_s=mended_s - rendered_s, warm_up_frames=warm_up * inner,
        )  # fmt: skip

    def _part(
        self, frames: FrameRange, subject: Path, settings: RenderSettings, folder: Path
    ) -> RenderedPart:
        part = folder / str(frames.start)
        part.mkdir(parents=True)
        made = self._pipeline.render_range(
            self._solved(subject, settings), frames, part / "segment.mp4",
            state=None, on_frame=_ignore,
        )  # fmt: skip
        return RenderedPart(
            frames=frames, segment=made.segment.path, entrance=made.entrance,
            boundary=made.boundary, picture_hashes=made.picture_hashes,
        )  # fmt: skip

    def _solved(self, subject: Path, settings: RenderSettings) -> SolvedShot:
        inputs = ShotInputs(plate=self._plate, subject=subject, settings=settings)
        return SolvedShot(inputs=inputs, poses=self._poses)


def _demo_plate(path: Path) -> Path:
    """The demo's plate, rex's stunts."""
    write_film(REX, demo_motion(), path, size=256)
    return path


def _poses(
    pipeline: Pipeline, plate: Path, frames: FrameRange, subject: Path, settings: RenderSettings
) -> PoseSequence:
    seen = pipeline.pose_range(plate, frames, settings=settings, on_frame=_ignore)
    shot = ShotInputs(plate=plate, subject=subject, settings=settings)
    return pipeline.solve_shot(seen, shot, frames).subject


def _amplifying(subject: Path, folder: Path) -> Path:
    """The subject with a memory that feeds errors on: what careless training leaves."""
    loaded = load_subject(subject, "cpu")
    config = replace(loaded.card.generator, memory_gain=loaded.card.generator.memory_gain * 12)
    save_subject(
        folder, replace(loaded.card, generator=config), loaded.generator.state_dict(),
        loaded.background_HW3,
    )  # fmt: skip
    return folder


def _warm_up(subject: Path) -> int:
    return load_subject(subject, "cpu").card.warmup_frames


def _tell(words: str, run: Run, whole: Run, frames: FrameRange) -> None:
    apart = [np.abs(one.astype(np.int16) - other) for one, other in
             zip(_pictures(run.shot), _pictures(whole.shot), strict=True)]  # fmt: skip
    at_joins = [
        apart[place]
        for join in run.joins
        if not join.is_cut
        for place in range(join.frame - frames.start, join.frame - frames.start + AT_JOIN)
        if place < len(apart)
    ]
    inner = [join.frame for join in run.joins if join.warping_ratio is not None]
    ratios = np.array([join.warping_ratio for join in run.joins if join.frame in inner])
    usual = np.array(seam_ratios(index_clip(whole.shot), frames, inner))
    mended = sum(join.mended_frames for join in run.joins)
    blocks = [join.score.block for join in run.joins if join.score]
    print(
        f"{words:24s} max {max(int(each.max()) for each in apart):3d}"
        f"  p99 {np.percentile(np.stack(apart), 99):5.2f}"
        f"  at joins {_psnr_db(at_joins):6.2f} dB"
        f"  worst block {max(blocks, default=0):6.2f}"
        f"  ratio {ratios.mean():.3f} +- {ratios.std():.3f}"
        f", over the undivided {(ratios / usual).mean():.3f} +- {(ratios / usual).std():.3f}"
        f"  mended {mended} in {run.mend_s:.1f} s of {run.took_s:.1f} s"
        f"  warm-up {100 * run.warm_up_frames / len(frames):.1f} %"
    )


def _psnr_db(apart: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.int16]]]) -> float:
    error = float(np.mean([np.square(each.astype(np.float64)).mean() for each in apart]))
    return 10 * float(np.log10(255**2 / error)) if error else float("inf")


def _strips(run: Run, whole: Run, frames: FrameRange, out: Path) -> None:
    """The worst joins: two frames before and after each, above the same of the undivided shot."""
    inner = [join for join in run.joins if join.score is not None]
    worst = sorted(inner, key=lambda join: -(join.score.block if join.score else 0))[:WORST]
    ours, theirs = list(_pictures(run.shot)), list(_pictures(whole.shot))
    rows = []
    for join in worst:
        place = join.frame - frames.start
        span = slice(max(0, place - 2), place + 2)
        rows += [np.concatenate(ours[span], axis=1), np.concatenate(theirs[span], axis=1)]
    if rows:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_picture(np.concatenate(rows), out)


def _pictures(path: Path) -> Iterator[RGB]:
    clip: ClipIndex = index_clip(path)
    for batch in decode(clip, clip.frames):
        yield from batch.rgb_NHW3


def _ignore(_done: int) -> None:
    return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plate", type=Path, nargs="?")
    parser.add_argument("--frames")
    parser.add_argument("--subject", default="vega")
    parser.add_argument("--shards", type=int, nargs="+", default=[2, 5, 11])
    parser.add_argument("--strips", type=Path)
    return parser


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
