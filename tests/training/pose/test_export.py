from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file

from bodyswap.keypoints.weights import file_sha256
from bodyswap.training.pose.export import PoseCard, export_pose_model


def test_weights_are_halved_and_the_card_names_their_hash(tmp_path: Path) -> None:
    card = PoseCard(
        name="tiny", config="rtmpose-t", skeleton="coco-17", licence="MIT", trained_on=("a clip",),
        training={"batch": 2}, pck={"a clip": 0.5}, pck_is="share", limits=("all of them",),
    )  # fmt: skip
    state = {"weight": torch.rand(3, 4), "count": torch.tensor(7)}
    path = export_pose_model(state, card, tmp_path)
    written = load_file(path)
    assert written["weight"].dtype == torch.float16 and written["count"] == 7
    told = yaml.safe_load(path.with_suffix(".yaml").read_text())
    assert told["sha256"] == file_sha256(path) and told["limits"] == ["all of them"]
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".safetensors", ".yaml"]
