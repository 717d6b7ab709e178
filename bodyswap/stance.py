"""How somebody stands in their picture: what retargeting must know of each person.

It does not know how one stance becomes another; `retarget` does.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

from bodyswap.errors import SubjectError


@dataclass(frozen=True, kw_only=True)
class StanceStatistics:
    """A person's place and size in their footage, all in pixels of a `width` x `height` picture.

    The ground line is the height (y) of the feet on the floor: `far_ground_y` where the person
    stood farthest from the camera, `near_ground_y` where nearest; `far_height` and `near_height`
    are how tall they looked there.
    """

    width: float
    height: float
    far_ground_y: float
    near_ground_y: float
    far_height: float
    near_height: float

    def __post_init__(self) -> None:
        if min(self.far_height, self.near_height) <= 0 or self.far_ground_y > self.near_ground_y:
            raise SubjectError(f"stance statistics contradict themselves: {self}")

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> Self:
        """Raises SubjectError at unknown or missing keys."""
        known = {item.name for item in fields(cls)}
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                raise SubjectError(f"stance has an unknown key '{key}'; known: {close or known}")
        if missing := known - set(values):
            raise SubjectError(f"stance lacks {', '.join(sorted(missing))}")
        return cls(**{key: float(value) for key, value in values.items()})
