"""The tiny pipeline, that notes where each step is done; it can grow, have a child, or linger."""

import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import ray
from tiny_pipeline import OnFrame, TinyPipeline, TinyRange, TinySolution

from bodyswap.config import RenderSettings
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.people import Detections
from bodyswap.timing import FrameRange
from cluster.jobs.job import Stage

PLACED_PIPELINE = "placed_pipeline:PlacedPipeline"
NOTES = "BODYSWAP_TEST_NOTES"
"""Names the file in which every process of a farm notes what it does."""
LAST_TRY = 3
"""Whoever lingers gets no further than half before so many have begun."""
GROWS_BYTES = 80_000_000

_grown: list[np.ndarray[tuple[int], np.dtype[np.uint8]]] = []


@dataclass(frozen=True, kw_only=True)
class Note:
    """`gpus` is what the process was told to use; `child` a process that it has started."""

    stage: str
    node: str
    pid: int
    gpus: str | None
    resident_bytes: int
    child: int


class PlacedPipeline(TinyPipeline):
    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        _note(Stage.POSE)
        return super().pose_range(plate, frames, settings=settings, on_frame=on_frame)

    def solve_shot(
        self, detections: Detections, shot: ShotInputs, frames: FrameRange
    ) -> TinySolution:
        _note(Stage.SOLVE)
        return super().solve_shot(detections, shot, frames)

    def render_range(
        self,
        shot: SolvedShot,
        frames: FrameRange,
        out: Path,
        *,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> TinyRange:
        subject = shot.inputs.subject
        kind, child = json.loads((subject / "trouble.json").read_text())["kind"], 0
        if kind == "child":
            child = subprocess.Popen(["sleep", "600"]).pid
        elif kind == "grow":
            _grown.append(np.ones(GROWS_BYTES, np.uint8))
        _note(Stage.RENDER, child)

        def count(done: int) -> None:
            on_frame(done)
            while kind == "linger" and done == len(frames) // 2 and _renders() < LAST_TRY:
                time.sleep(0.05)

        return super().render_range(shot, frames, out, state=state, on_frame=count)


def read_notes(path: Path, stage: Stage) -> list[Note]:
    lines = path.read_text().splitlines() if path.exists() else []
    notes = [Note(**json.loads(line)) for line in lines]
    return [note for note in notes if note.stage == stage]


def _renders() -> int:
    return len(read_notes(Path(os.environ[NOTES]), Stage.RENDER))


def _note(stage: Stage, child: int = 0) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    note = Note(
        stage=stage,
        node=ray.get_runtime_context().get_node_id(),
        pid=os.getpid(),
        gpus=os.environ.get("CUDA_VISIBLE_DEVICES"),
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        child=child,
    )
    with Path(os.environ[NOTES]).open("a") as notes:
        notes.write(json.dumps(asdict(note)) + "\n")
