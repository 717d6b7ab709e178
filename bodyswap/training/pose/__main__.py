"""`python -m bodyswap.training.pose`: the pose trainer from a shell.

It does not know how training works.
"""

import argparse
import logging
from pathlib import Path

from bodyswap.environment import cache_folder
from bodyswap.training.pose.command import train_pose
from bodyswap.training.pose.config import PoseTrainingConfig

_COUNTS = (
    "stage_views", "head_steps", "coarse_steps", "fine_steps", "batch", "threads", "seed",
)  # fmt: skip


def main() -> None:
    """Parse the options and train."""
    defaults = PoseTrainingConfig(clips=(), teachers=Path(), cache=Path(), out=Path())
    parser = argparse.ArgumentParser(description="Train the RTMPose-t that bodyswap ships.")
    parser.add_argument("clips", nargs="+", type=Path, help="real footage you may train on")
    parser.add_argument("--teachers", type=Path, required=True, help="folder of teachers' weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=cache_folder() / "pose-training")
    parser.add_argument(
        "--start-from", dest="start", type=Path, metavar="WEIGHTS",
        help="weights to go on from; give --coarse-steps 0 with it",
    )  # fmt: skip
    for name in _COUNTS:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=getattr(defaults, name))
    options = parser.parse_args()
    options.clips = tuple(options.clips)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train_pose(PoseTrainingConfig(**vars(options)), logging.getLogger("train-pose").info)


if __name__ == "__main__":
    main()
