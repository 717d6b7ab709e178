"""A pipeline for tests of what is seen: its plates and renders are real films, told apart by eye.

Every frame has its number burnt in, as figures and as a row of black and white fields; a render is
the plate's negative, but for that row. People are a stick that leans.
"""

import json
import time
from pathlib import Path

import cv2
import numpy as np
from tiny_pipeline import OnFrame, TinyInspector, TinyPipeline, TinyRange, TinySegment

from bodyswap.config import RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import CODECS, encode
from bodyswap.frames import RGB
from bodyswap.media.index import index_clip
from bodyswap.media.segment_map import map_segment
from bodyswap.passes.shot_inputs import SolvedShot
from bodyswap.people import Detections
from bodyswap.pipeline import Pipeline
from bodyswap.skeleton import COCO_17
from bodyswap.timing import FrameRange
from cluster.jobs.inspection import PlateFacts
from tests.media.clips import steady, write_clip

FILM_PIPELINE = "film_pipeline:FilmPipeline"
WIDTH, HEIGHT = 320, 180
CODE_BITS = 10
CODE_TOP = 160
_FIELD = WIDTH // CODE_BITS


class FilmInspector(TinyInspector):
    def plate(self, plate: Path) -> PlateFacts:
        clip = index_clip(plate)
        return PlateFacts(frame_count=len(clip), first_number=clip.first_number)


class FilmPipeline(TinyPipeline):
    """Films are put together by the real pipeline."""

    def __init__(self) -> None:
        real = Pipeline()
        self.assemble_shot = real.assemble_shot  # type: ignore[method-assign]
        self.head_of_shot = real.head_of_shot
        self.check_shot = real.check_shot

    def pose_range(
        self, plate: Path, frames: FrameRange, *, settings: RenderSettings, on_frame: OnFrame
    ) -> Detections:
        on_frame(len(frames))
        return Detections(
            skeleton=COCO_17, frames=frames, frame_M=np.arange(frames.start, frames.stop),
            keypoints_MK2=np.stack([_stick(index) for index in frames]),
            confidence_MK=np.stack(
                [np.full(17, 0.6 + 0.35 * np.sin(index / 5), np.float32) for index in frames]
            ),
            box_M4=np.zeros((len(frames), 4), np.float32),
        )  # fmt: skip

    def render_range(
        self,
        shot: SolvedShot,
        frames: FrameRange,
        out: Path,
        *,
        state: bytes | None,
        on_frame: OnFrame,
    ) -> TinyRange:
        clip, made = index_clip(shot.inputs.plate), []
        pace_s = json.loads((shot.inputs.subject / "trouble.json").read_text())["frame_s"]
        for batch in decode(clip, frames):
            for picture in batch.rgb_NHW3:
                time.sleep(pace_s)
                made.append(negative(picture))
                on_frame(len(made))
        encode(made, out, timeline=clip.timeline, frames=frames, codec=CODECS["h264"])
        pts = clip.timeline.pts[frames.start : frames.stop]
        segment = TinySegment(path=out, frames=frames, first_pts=pts[0], last_pts=pts[-1])
        return TinyRange(
            segment=segment, entrance=bytes(8), boundary=bytes(8),
            picture_hashes=tuple(map(str, frames)), segment_map=map_segment(out).to_bytes(),
        )  # fmt: skip


def write_film_plate(path: Path, count: int) -> Path:
    pictures = [plate_picture(index) for index in range(count)]
    return write_clip(
        path, pictures, timeline=steady(count), options={"crf": "12", "g": "12"},
        names={"timecode": "01:00:00:00"},
    )  # fmt: skip


def plate_picture(index: int) -> RGB:
    """Frame `index` of the plate."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([x * 120 // WIDTH, 40 + y * 90 // HEIGHT, 90 + 0 * x], -1).astype(np.uint8)
    points = _stick(index)
    for a, b in COCO_17.limb_indices:
        ends = [tuple(int(value) for value in points[joint]) for joint in (a, b)]
        cv2.line(picture, ends[0], ends[1], (235, 200, 160), 9, cv2.LINE_AA)
    cv2.putText(picture, str(index + 1001), (8, 30), 0, 0.9, (255, 255, 255), 2, cv2.LINE_AA)
    for bit in range(CODE_BITS):
        level = 255 if index >> bit & 1 else 0
        picture[CODE_TOP:, bit * _FIELD : (bit + 1) * _FIELD] = level
    return picture


def negative(picture: RGB) -> RGB:
    """What the pipeline renders of a frame."""
    made = 255 - picture
    made[CODE_TOP:] = picture[CODE_TOP:]
    return made


def frame_of(picture: RGB) -> int:
    """The index that is burnt in, from a picture of any size."""
    height, width = picture.shape[:2]
    row = round((CODE_TOP + 12) / HEIGHT * height)
    columns = [round((bit + 0.5) * _FIELD / WIDTH * width) for bit in range(CODE_BITS)]
    return sum(1 << bit for bit, x in enumerate(columns) if picture[row, x].mean() > 127)


def _stick(index: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """COCO's joints of somebody who leans from side to side."""
    lean = 45 * np.sin(index / 9)
    rest = [
        (0, 30), (4, 26), (-4, 26), (9, 29), (-9, 29), (18, 55), (-18, 55), (32, 78), (-32, 78),
        (40, 100), (-40, 100), (12, 100), (-12, 100), (15, 126), (-15, 126), (17, 152), (-17, 152),
    ]  # fmt: skip
    points = np.array(rest, np.float32)
    points[:, 0] += WIDTH / 2 + lean * (152 - points[:, 1]) / 122
    return points
