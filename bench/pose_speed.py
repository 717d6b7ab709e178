"""Frames a second of this project's pose path against a plain loop of MMPose: `make bench`.

Both have the same weights, the same frames and boxes (one person each) and the same machine, and
take turns; figures are medians. "as shipped" is MMPose's own setting for the model, which looks at
each person's mirror image too; "like for like" is both with or both without that.
"""

import statistics
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from findings import Findings, ratio, turns

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
    findings = Findings("pose_speed", {"frames": COUNT, "threads": torch.get_num_threads()})
    took = turns(runs, rounds=ROUNDS)
    for name, seconds in took.items():
        findings.add(name, COUNT / statistics.median(seconds), "frames/s")
    shipped, bare, default, flipped, eager = took.values()
    findings.add("against MMPose as shipped", ratio(shipped, default), "x")
    findings.add("like for like, no flip", ratio(bare, default), "x")
    findings.add("like for like, flip", ratio(shipped, flipped), "x")
    findings.add("engine auto against eager", ratio(eager, default), "x")
    findings.keep()


if __name__ == "__main__":
    main()
