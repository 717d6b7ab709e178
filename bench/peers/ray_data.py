"""Ray Data's map_batches on the same job, as somebody who knows it would write it.

Frames are decoded, posed, rendered and coded by stages of a streaming dataset, each an actor that
keeps its models; frames travel through Ray's object store. The solve step is between the passes.
Weights, engines and arithmetic are the project's own: what differs is who moves the work.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
import ray.data
import torch

import cluster  # noqa: F401 - says how Ray is guarded, before it is imported
from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS
from bodyswap.frames import FrameBatch
from bodyswap.media.index import index_clip
from bodyswap.media.writer import open_writer
from bodyswap.passes.shot_inputs import ShotInputs
from bodyswap.passes.warm import Warm
from bodyswap.people import Detections, PoseSequence
from bodyswap.pipeline import Pipeline
from bodyswap.pose import estimate_poses
from bodyswap.timing import FrameRange

BATCH = 24
"""People are searched for at each batch's first frame, as the project does every 24 frames."""
Rows = dict[str, np.ndarray[Any, Any]]


@dataclass
class Decode:
    """Numbers of frames to their pictures."""

    plate: Path

    def __call__(self, rows: Rows) -> Rows:
        first, last = int(rows["id"][0]), int(rows["id"][-1])
        clip = index_clip(self.plate)
        frames = FrameRange(start=first, stop=last + 1)
        (batch,) = decode(clip, frames, batch_frames=1 << 30)
        return {"id": rows["id"], "rgb": batch.rgb_NHW3}


class Pose:
    """Pictures to who is in them."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._seers = Warm().seers(RenderSettings())

    def __call__(self, rows: Rows) -> Rows:
        first, count = int(rows["id"][0]), len(rows["id"])
        batch = FrameBatch(
            rgb_NHW3=rows["rgb"], pts=tuple(range(count)), first_index=first, time_base=1
        )
        frames = FrameRange(start=first, stop=first + count)
        seen = estimate_poses([batch], frames, *self._seers)
        return {"id": rows["id"][:1], "seen": np.array([seen.to_bytes()], dtype=object)}


class Render:
    """Numbers of frames to pictures; one after the other, for each needs the one before."""

    def __init__(self, poses: bytes, subject: Path) -> None:
        torch.set_num_threads(1)
        self._poses = PoseSequence.from_bytes(poses)
        self._renderer = Warm().renderer(subject, RenderSettings(), self._poses)
        self._state: Any = None

    def __call__(self, rows: Rows) -> Rows:
        frames = FrameRange(start=int(rows["id"][0]), stop=int(rows["id"][-1]) + 1)
        made = self._renderer.render(self._poses, frames, warmup_frames=0, state=self._state)
        pictures = np.stack([frame.over_own_HW3 for frame in made])
        self._state = self._renderer.state
        return {"id": rows["id"], "rgb": pictures}


def run(plate: Path, count: int, subject: Path, out: Path) -> None:
    """The whole job, by one actor a stage."""
    # A Ray of its own: not one that happens to run here.
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    one: dict[str, Any] = {"batch_size": BATCH, "num_cpus": 0.3}
    seen = (
        _numbers(count)
        .map_batches(Decode(plate), **one)
        .map_batches(Pose, concurrency=1, **one)
        .take_all()
    )
    seen.sort(key=lambda row: int(row["id"]))
    detections = Detections.joined([Detections.from_bytes(row["seen"]) for row in seen])
    frames = FrameRange(start=0, stop=count)
    shot = ShotInputs(plate=plate, subject=subject, settings=RenderSettings())
    solved = Pipeline().solve_shot(detections, shot, frames)
    arguments = (solved.subject.to_bytes(), subject)
    rendered = _numbers(count).map_batches(
        Render, fn_constructor_args=arguments, concurrency=1, **one
    )
    timeline = index_clip(plate).timeline
    with open_writer(out, timeline, CODECS["h264"]) as writer:
        for rows in rendered.iter_batches(batch_size=BATCH, batch_format="numpy"):
            for index, picture in zip(rows["id"], rows["rgb"], strict=True):
                writer.write(picture, timeline.pts[int(index)])


def _numbers(count: int) -> "ray.data.Dataset":
    return ray.data.range(count, override_num_blocks=-(-count // BATCH))
