"""One frame of a rollout in training: what is given, what is wanted, what came before.

It does not know networks or losses.

Shape letters: B sequences, L limbs, H rows, W columns, 3 = red, green, blue in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bodyswap.training.judges import Shown


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame of the rollout: what it should be, and what is known of it already.

    The last `twins` sequences are the first ones again. `there` is the same frame as rendered on
    the rollout's way there, None where it is met for the first time. `past` are the main
    sequences' frames, by how many frames ago they were.
    """

    pose_BLHW: Tensor
    real_B3HW: Tensor
    matte_B1HW: Tensor
    background_B3HW: Tensor
    previous_B3HW: Tensor
    twins: int
    there_B3HW: Tensor | None
    past: Mapping[int, Shown]

    @property
    def main(self) -> int:
        """How many sequences there are, without the twins."""
        return len(self.pose_BLHW) - self.twins

    def shown(self, rendered_B3HW: Tensor) -> Shown:
        """The main sequences with what was rendered of them."""
        return Shown(
            pose_BLHW=self.pose_BLHW[: self.main],
            real_B3HW=self.real_B3HW[: self.main],
            rendered_B3HW=rendered_B3HW[: self.main],
        )
