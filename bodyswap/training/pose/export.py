"""Writes a trained pose model the way it is shipped: half-precision weights and a card beside them.

It does not know how the model was trained; the card's facts are handed to it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from bodyswap.keypoints.weights import file_sha256


@dataclass(frozen=True, kw_only=True)
class PoseCard:
    """What a user must know before trusting the model; PCK is at 0.2 of the torso."""

    name: str
    config: str
    skeleton: str
    licence: str
    trained_on: tuple[str, ...]
    training: dict[str, float]
    pck: dict[str, float]
    pck_is: str
    limits: tuple[str, ...]


def export_pose_model(state: Mapping[str, Tensor], card: PoseCard, folder: Path) -> Path:
    """Write NAME.safetensors and NAME.yaml into `folder`; the path of the former."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}.safetensors"
    unfinished = path.with_name(path.name + ".unfinished")
    save_file({name: _half(value) for name, value in state.items()}, unfinished)
    unfinished.chmod(0o644)
    unfinished.replace(path)
    content = {**asdict(card), "sha256": file_sha256(path), "bytes": path.stat().st_size}
    lists = {name: list(value) for name, value in content.items() if isinstance(value, tuple)}
    text = yaml.safe_dump({**content, **lists}, sort_keys=False, width=96)
    path.with_suffix(".yaml").write_text(text)
    return path


def _half(value: Tensor) -> Tensor:
    return (
        value.detach().cpu().contiguous().to(torch.float16) if value.is_floating_point() else value
    )
