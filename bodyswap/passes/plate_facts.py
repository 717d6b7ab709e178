"""What replacing the performer did to each frame of the plate, as it is told beside a delivery.

It does not know pictures.
"""

from dataclasses import dataclass

import msgspec

from bodyswap.errors import IntegrityError

PLATE_FACTS = "plate.json"
"""The file beside a piece that tells what was done to each of its frames."""


@dataclass(frozen=True, kw_only=True)
class PlateFrame:
    """What was done to one frame. Shares are of the picture; the last is None of a lossy delivery.

    `differing_outside` counts pixels outside the matte that are not the plate's. `outside` and
    `inside` tell the precision of either: the generator paints in 8 bits.
    """

    number: int
    touched_share: float
    performer_share: float
    set_never_seen_share: float
    differing_outside: int
    outside: str
    inside: str = "8-bit display values"
    differing_outside_in_file: int | None = None


def facts_from(data: bytes) -> tuple[PlateFrame, ...]:
    """What a piece's file tells. Raises IntegrityError where it is damaged."""
    try:
        return msgspec.json.decode(data, type=tuple[PlateFrame, ...])
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a piece's plate facts are damaged: {error}") from error
