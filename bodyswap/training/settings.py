"""Every setting of `bodyswap train`: a render's, and under `training` the training's own.

It does not know the command line; a recipe is a yaml file of what differs from the defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bodyswap.config import RenderSettings
from bodyswap.errors import UsageError
from bodyswap.keypoints.estimator import spec_folder
from bodyswap.settings_text import read_yaml
from bodyswap.training.config import TrainingConfig

_FOLDER = "training"
BUDGET: Mapping[str, object] = {"minutes": 20.0, "steps": 1_000_000}
"""How long `bodyswap train` trains unless told otherwise: a time, since machines differ."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings(RenderSettings):
    """How footage is looked at, and how it is learnt."""

    training: TrainingConfig = field(default_factory=TrainingConfig)

    @classmethod
    def choose(
        cls, *, recipe: str | None, chosen: Mapping[str, object], changes: Sequence[str]
    ) -> Self:
        """The defaults, changed by the recipe, then `chosen` training settings, then `changes`.

        `recipe` is a yaml file's path, or the name of one of configs/training. `changes` are
        texts such as "training.losses.pixel=5" or "pose.batch_frames=4".

        Raises:
            UsageError: there is no such recipe, or a key or value is none of the settings'.
        """
        told = {} if recipe is None else read_yaml(_find_recipe(recipe))
        return cls.from_dict({"training": {**BUDGET, **told, **chosen}}).with_overrides(changes)


def recipe_names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.stem for path in spec_folder(_FOLDER).glob("*.yaml"))


def _find_recipe(recipe: str) -> Path:
    for path in (Path(recipe), spec_folder(_FOLDER) / f"{recipe}.yaml"):
        if path.is_file():
            return path
    names = ", ".join(recipe_names())
    raise UsageError(f"recipe '{recipe}' is neither a file nor one of {names}")
