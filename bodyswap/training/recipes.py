"""Reads recipes: files of configs/training, which hold what differs from the defaults.

It does not know what the settings mean.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bodyswap.config import merged_values, settings_from
from bodyswap.errors import UsageError
from bodyswap.keypoints.estimator import spec_folder
from bodyswap.training.config import TrainingConfig

KIND = "training"


def read_recipe(reference: str | None, overrides: Sequence[str] = ()) -> TrainingConfig:
    """The training a recipe asks for, changed by `key=value` texts such as "losses.pixel=8".

    `reference` names a file of configs/training or is a path to a .yaml; None is the defaults.

    Raises:
        UsageError: there is no such recipe, or a key or value is wrong.
    """
    values: dict[str, object] = {} if reference is None else _read(_find(reference))
    return settings_from(TrainingConfig, merged_values(values, overrides), of=f"{KIND}.")


def recipe_names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.stem for path in spec_folder(KIND).glob("*.yaml"))


def _find(reference: str) -> Path:
    path = Path(reference)
    if path.suffix == ".yaml":
        if not path.is_file():
            raise UsageError(f"recipe '{reference}' is not there")
        return path
    if reference not in recipe_names():
        known = ", ".join(recipe_names())
        raise UsageError(f"recipe '{reference}' is unknown; known: {known}; or give a .yaml file")
    return spec_folder(KIND) / f"{reference}.yaml"


def _read(path: Path) -> dict[str, object]:
    try:
        values = msgspec.yaml.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"recipe '{path}' cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise UsageError(f"recipe '{path}' holds no settings")
    return values
