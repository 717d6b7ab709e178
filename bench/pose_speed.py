"""Frames a second of this project's pose path against a plain loop of MMPose: `make bench`.

Both have the same weights, the same frames and boxes (one person each) and the same machine, and
take turns; figures are medians. "as shipped" is MMPose's own setting for the model, which looks at
each person's mirror image too; "like for like" is both with or both without that.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from bodyswap.config import EngineName
from bodyswap.keypoints.boxes import pose_box
from bodyswap.keypoints.estimator import build_estimator, read_spec
from bodyswap.keypoints.openmmlab_import import import_aids
from bodyswap.keypoints.weights import find_weights
from bodyswap.stage.cast import REX
from bodyswap.stage.mocap import load_motion
from bodyswap.stage.render import Shot, film

with import_aids():
    import mmpose
    from mmpose.apis import inference_topdown, init_model
    from safetensors.torch import load_file

MODEL = "rtmpose-t-bodyswap"
COUNT = 24
ROUNDS = 7


def main() -> None:
    warnings.simplefilter("ignore")
    motion = load_motion("walk").at_rate(Fraction(24))
    frames = list(film(REX, motion.at(motion.time_T[:COUNT]), Shot()))
    rgb_NHW3 = np.stack([frame.rgb_HW3 for frame in frames])
    sure_K = np.ones(17, np.float32)
    box_N4 = np.stack([pose_box(frame.keypoints_K2, sure_K) for frame in frames])
    bgr = [np.ascontiguousarray(rgb_HW3[:, :, ::-1]) for rgb_HW3 in rgb_NHW3]
    spec = read_spec(MODEL)
    config = next((Path(mmpose.__file__).parent / ".mim").rglob(f"{spec.config}.py"))
    plain = init_model(str(config), None, device="cpu")
    weights = find_weights(spec.weights, sha256=spec.sha256, folder=spec.folder)
    plain.load_state_dict(load_file(weights), strict=False)
    ours = {
        (flip, engine): build_estimator(MODEL, "cpu", flip=flip, engine=engine)
        for flip in (False, True)
        for engine in (EngineName.EAGER, EngineName.AUTO)
    }

    def loop(*, flip: bool) -> Callable[[], object]:
        def run() -> None:
            plain.test_cfg["flip_test"] = flip
            for picture, box_4 in zip(bgr, box_N4, strict=True):
                inference_topdown(plain, picture, box_4[None])

        return run

    def path(*, flip: bool, engine: EngineName = EngineName.AUTO) -> Callable[[], object]:
        numbers = np.arange(len(rgb_NHW3))
        return lambda: ours[flip, engine].estimate(rgb_NHW3, numbers, box_N4, closely=True)

    runs = {
        "inference_topdown, as shipped (flip)": loop(flip=True),
        "inference_topdown, no flip": loop(flip=False),
        "this project, no flip (first looks)": path(flip=False),
        "this project, flip (close looks)": path(flip=True),
        "this project, no flip, engine=eager": path(flip=False, engine=EngineName.EAGER),
    }
    shipped, bare, default, flipped, eager = _medians(runs)
    print(f"against MMPose as shipped: {shipped / default:.2f} times as fast")
    print(f"like for like, no flip:    {bare / default:.2f} times as fast")
    print(f"like for like, flip:       {shipped / flipped:.2f} times as fast")
    print(f"engine auto against eager: {eager / default:.2f} times as fast")


def _medians(runs: dict[str, Callable[[], object]]) -> list[float]:
    """Seconds of each run, taking turns."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    print(f"pose path, 512x512, one person a frame, {torch.get_num_threads()} threads")
    for name, seconds in medians.items():
        print(f"{name:38s} {COUNT / seconds:8.1f} frames/s")
    return list(medians.values())


if __name__ == "__main__":
    main()
