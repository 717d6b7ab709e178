"""From footage of a consenting person to their trained subject: the trainer's own pipeline.

    decode -> pose -> one performer -> crops, mattes, background -> train -> subject folder

It does not know stores; the farm publishes the folder this leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.media.index import index_clip
from bodyswap.pipeline import OnFrame, Pipeline
from bodyswap.solve import follow_performer
from bodyswap.timing import FrameRange, parse_frame_range
