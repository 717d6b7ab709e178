"""A plain loop: one frame after the other through the same generator in PyTorch, then PyAV.

What a careful first script does: models loaded once, no gradients, no threads of its own.
"""

from pathlib import Path

import av
import numpy as np
import torch

from bodyswap.frames import RGB
from bodyswap.keypoints.posemap import draw_pose_map
from bodyswap.nets.checkpoint import Subject
from bodyswap.people import PoseSequence


@torch.no_grad()
def render(subject: Subject, poses: PoseSequence, count: int, out: Path) -> list[RGB]:
    """The subject in the first `count` poses, over their background, coded at `out`."""
    card, generator, made = subject.card, subject.generator, []
    background_HW3 = torch.from_numpy(np.array(subject.background_HW3)).float()
    previous_B3HW = torch.zeros(1, 3, card.height, card.width)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = card.width, card.height, "yuv420p"
        for row in range(count):
            pose_BLHW = draw_pose_map(
                torch.from_numpy(poses.keypoints_NK2[row : row + 1]),
                torch.from_numpy(poses.confidence_NK[row : row + 1]),
                poses.skeleton, card.height, card.width,
            )  # fmt: skip
            output = generator(pose_BLHW, previous_B3HW)
            rgb_HW3 = (output.rgb_B3HW[0].permute(1, 2, 0) * 127.5 + 127.5).clamp(0, 255)
            matte_HW1 = output.matte_B1HW[0].permute(1, 2, 0)
            shown_HW3 = (rgb_HW3 * matte_HW1 + background_HW3 * (1 - matte_HW1)).round()
            picture_HW3 = shown_HW3.to(torch.uint8).numpy()
            previous_B3HW = (shown_HW3 / 127.5 - 1).permute(2, 0, 1)[None].contiguous()
            made.append(picture_HW3)
            frame = av.VideoFrame.from_ndarray(picture_HW3, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return made
