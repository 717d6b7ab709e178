"""How somebody stands in their picture: what retargeting must know of each person.

It does not know how one stance becomes another; `retarget` does.
"""

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Self

import msgspec
import numpy as np

from bodyswap.errors import SubjectError
from bodyswap.skeleton import Floats


@dataclass(frozen=True, kw_only=True)
class StanceStatistics:
    """A person's place and size in their footage, all in pixels of a `width` x `height` picture.

    The ground line is the height (y) of the feet on the floor: `far_ground_y` where the person
    stood farthest from the camera, `near_ground_y` where nearest; `far_height` and `near_height`
    are how tall they looked there. `limb_lengths` holds the limbs that were well seen, in person
    heights (see `retargeting.limbs`).
    """

    width: float
    height: float
    far_ground_y: float
    near_ground_y: float
    far_height: float
    near_height: float
    limb_lengths: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.far_height, self.near_height) <= 0 or self.far_ground_y > self.near_ground_y:
            raise SubjectError(f"stance statistics contradict themselves: {self}")

        if any(length <= 0 for length in self.limb_lengths.values()):
            raise SubjectError(f"stance has limbs without length: {dict(self.limb_lengths)}")

    @property
    def is_flat(self) -> bool:
        """True where distance from the camera was not seen to change the person's height."""
        return self.near_ground_y - self.far_ground_y < 1 or self.near_height <= self.far_height

    def height_at(self, ground_N: Floats) -> Floats:
        """How tall the person looks where the floor is at `ground_N`, on and beyond their range."""
        if self.is_flat:
            return np.full(len(ground_N), (self.far_height + self.near_height) / 2, np.float32)
        share_N = (ground_N - self.far_ground_y) / (self.near_ground_y - self.far_ground_y)
        height_N = self.far_height + share_N * (self.near_height - self.far_height)
        return np.asarray(np.maximum(height_N, self.far_height / 4), np.float32)

    def ground_at(self, height_N: Floats) -> Floats:
        """Where the floor is when the person looks `height_N` tall: the inverse of `height_at`."""
        share_N = (height_N - self.far_height) / (self.near_height - self.far_height)
        ground_N = self.far_ground_y + share_N * (self.near_ground_y - self.far_ground_y)
        return np.asarray(ground_N, np.float32)

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Raises SubjectError at unknown or missing keys, or what is no number."""
        known = {item.name for item in fields(cls)}
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                raise SubjectError(f"stance has an unknown key '{key}'; known: {close or known}")
        needed = {item.name for item in fields(cls) if item.default_factory is MISSING}
        if missing := needed - set(values):
            raise SubjectError(f"stance lacks {', '.join(sorted(missing))}")
        try:
            return msgspec.convert(dict(values), cls, strict=False)
        except msgspec.ValidationError as error:
            raise SubjectError(f"stance does not hold together: {error}") from error
