"""Render: poses to pictures of the subject, each made with a look at the one before.

It does not know files, or what the pictures are laid over in the end.

The recurrent frame is the 8-bit picture over the subject's own background, so that a render that
goes on from a stored boundary equals one that never stopped, to the bit.
Shape letters: B = 1, L limbs, H rows, W columns, K joints, 3 = red, green, blue.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bodyswap.composite import composite
from bodyswap.device import as_steadily, on_device
from bodyswap.errors import IntegrityError, SubjectError
from bodyswap.frames import RGB, RenderedFrame
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.checkpoint import Subject
from bodyswap.nets.painter import Paint
from bodyswap.overlap import NO_OVERLAP, Overlap
from bodyswap.people import PoseSequence
from bodyswap.steps import each_step, step
from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class BoundaryState:
    """All that a frame's rendering takes from the past: the picture before it, if any."""

    previous_HW3: RGB | None

    def to_bytes(self) -> bytes:
        """A PNG; empty where there is no picture yet."""
        if self.previous_HW3 is None:
            return b""
        buffer = io.BytesIO()
        Image.fromarray(self.previous_HW3).save(buffer, format="PNG", compress_level=3)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises IntegrityError where `data` is no state."""
        if not data:
            return cls(previous_HW3=None)
        try:
            with Image.open(io.BytesIO(data)) as picture:
                return cls(previous_HW3=np.asarray(picture.convert("RGB")))
        except OSError as error:
            raise IntegrityError(f"a boundary state is damaged: {error}") from error


class Renderer:
    """Renders one subject.

    `state` follows the last frame that was rendered; `entrance` is what the first frame that was
    not discarded took from the past.
    """

    def __init__(
        self,
        subject: Subject,
        device: torch.device | str,
        paint: Paint | None = None,
        overlap: Overlap = NO_OVERLAP,
    ) -> None:
        """`paint` runs the subject's generator, which is on `device`; PyTorch does without it.

        With `overlap` pose maps are drawn ahead of the frames they are for.
        """
        self.subject = subject
        self.state = self.entrance = BoundaryState(previous_HW3=None)
        self._device = device
        self._paint = paint or subject.generator.to(device)
        self._overlap = overlap

    def render(
        self,
        poses: PoseSequence,
        frames: FrameRange,
        *,
        warmup_frames: int,
        state: BoundaryState | None = None,
    ) -> Iterator[RenderedFrame]:
        """The subject in `frames` of `poses`, which are in the subject's pixels.

        With `state` the render goes on from there. Without, it begins `warmup_frames` earlier,
        where `poses` has as many, and discards those. Where no joint is there, nobody is drawn. At
        a cut it begins anew, from nothing.

        Raises:
            SubjectError: the poses' skeleton is not the one the subject was trained on.
        """
        trained_on = self.subject.card.skeleton
        if poses.skeleton.name != trained_on:
            raise SubjectError(
                f"the poses are of skeleton '{poses.skeleton.name}', but subject "
                f"'{self.subject.card.name}' was trained on '{trained_on}'; use a pose model of it"
            )
        self.state = state or BoundaryState(previous_HW3=None)
        first = frames if state else frames.with_warm_up(warmup_frames)
        indices = range(_entered(first, frames, poses), frames.stop)
        maps = as_steadily(self._pose_map(poses, index) for index in indices)
        with self._overlap.ahead(each_step("draw", maps)) as drawn:
            for index, pose_BLHW in zip(indices, drawn, strict=True):
                if index in poses.cuts:
                    self.state = BoundaryState(previous_HW3=None)
                if index == frames.start:
                    self.entrance = self.state
                name = "render" if index >= frames.start else "warm-up"
                with step(name), on_device(self._device):
                    frame = self._render_one(pose_BLHW, index)
                with step("composite"):
                    whole_HW3 = composite(frame, self.subject.background_HW3)
                self.state = BoundaryState(previous_HW3=whole_HW3)
                if index >= frames.start:
                    yield replace(frame, over_own_HW3=whole_HW3)

    @torch.inference_mode()
    def _pose_map(self, poses: PoseSequence, index: int) -> Tensor | None:
        """What the frame's pose looks like, (1, L, H, W); None where nobody is there."""
        row = index - poses.frames.start
        if not poses.confidence_NK[row].any():
            return None
        card = self.subject.card
        return draw_pose_map(
            torch.from_numpy(poses.keypoints_NK2[row : row + 1]).to(self._device),
            torch.from_numpy(poses.confidence_NK[row : row + 1]).to(self._device),
            poses.skeleton,
            card.height,
            card.width,
        )

    @torch.inference_mode()
    def _render_one(self, pose_BLHW: Tensor | None, index: int) -> RenderedFrame:
        if pose_BLHW is None:
            return self._nobody(index)
        output = self._paint(pose_BLHW, self._previous())
        colour_3HW = (output.rgb_B3HW[0] * 127.5 + 127.5).round().clamp(0, 255)
        return RenderedFrame(
            rgb_HW3=colour_3HW.to(torch.uint8).permute(1, 2, 0).cpu().numpy(),
            matte_HW=output.matte_B1HW[0, 0].float().cpu().numpy(),
            index=index,
        )

    def _nobody(self, index: int) -> RenderedFrame:
        background_HW3 = self.subject.background_HW3
        matte_HW = np.zeros(background_HW3.shape[:2], np.float32)
        return RenderedFrame(rgb_HW3=background_HW3, matte_HW=matte_HW, index=index)

    def _previous(self) -> Tensor:
        if self.state.previous_HW3 is None:
            card = self.subject.card
            return torch.zeros(1, 3, card.height, card.width, device=self._device)
        picture_HW3 = torch.from_numpy(self.state.previous_HW3.copy()).to(self._device)
        return picture_HW3.permute(2, 0, 1)[None].float() / 127.5 - 1


def _entered(first: FrameRange, frames: FrameRange, poses: PoseSequence) -> int:
    """Where a render of `frames` begins: at `first`, or at the cut or the pose after that."""
    past_cuts = [cut for cut in poses.cuts if cut <= frames.start]
    return max(first.start, poses.frames.start, *past_cuts[-1:])
