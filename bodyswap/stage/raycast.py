"""Where rays meet rounded parts: depth, surface normal, and the place on the part.

It does not know cloth or light.
A round cone is the hull of two balls. In its own flattened frame a ray meets it in one of three
quadrics: either ball, or the cone that is tangent to both, between the two circles of tangency.
Shape letters: R rays; rays start at one point and have unit length along the camera's view, so
that the parameter t is a depth in metres.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bodyswap.stage.body import Part
from bodyswap.stage.mocap import Floats64

Floats32 = npt.NDArray[np.float32]
NOTHING = np.float32(np.inf)


@dataclass(frozen=True, kw_only=True)
class Hits:
    """What R rays met: `depth_R` is infinite for those that missed."""

    depth_R: Floats32
    normal_R3: Floats32
    local_R3: Floats32


def cast(part: Part, start_3: Floats64, directions_R3: Floats32) -> Hits:
    """Meet `part` with rays given in its joint's frame."""
    squash = np.array(part.squash, np.float32)
    start = (start_3 / squash).astype(np.float32)
    way_R3 = directions_R3 / squash
    a, b = np.array(part.a, np.float32) / squash, np.array(part.b, np.float32) / squash
    depth, centre = _ball(start - a, way_R3, part.radius_a), np.broadcast_to(a, way_R3.shape)
    if part.a != part.b:
        far = _ball(start - b, way_R3, part.radius_b)
        side, foot = _cone(start, way_R3, a, b, part.radius_a, part.radius_b)
        centre = np.where((far < depth)[:, None], b, centre)
        depth = np.minimum(depth, far)
        centre = np.where((side < depth)[:, None], foot, centre)
        depth = np.minimum(depth, side)
    met = np.where(np.isfinite(depth), depth, 0)[:, None]
    point = start + way_R3 * met
    normal = (point - centre) / squash
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return Hits(
        depth_R=depth.astype(np.float32),
        normal_R3=normal.astype(np.float32),
        local_R3=(point * squash).astype(np.float32),
    )


def _ball(offset_3: Floats32, way_R3: Floats32, radius: float) -> Floats32:
    square = np.einsum("ij,ij->i", way_R3, way_R3)
    half = way_R3 @ offset_3
    rest = float(offset_3 @ offset_3) - radius * radius
    inside = half * half - square * np.float32(rest)
    root = np.sqrt(np.maximum(inside, 0))
    depth = (-half - root) / square
    return np.where((inside > 0) & (depth > 0), depth, NOTHING)


def _cone(
    start: Floats32, way_R3: Floats32, a: Floats32, b: Floats32, radius_a: float, radius_b: float
) -> tuple[Floats32, Floats32]:
    """Depth on the tangent cone, and the centre of the inscribed ball that touches there."""
    axis = b - a
    length = float(np.linalg.norm(axis))
    taper = (radius_a - radius_b) / length
    if abs(taper) >= 1:  # one ball swallows the other
        return np.full(len(way_R3), NOTHING), np.zeros_like(way_R3)
    unit = axis / length
    cosine = float(np.sqrt(1 - taper * taper))
    # On the cone, distance from the axis = (radius_a - taper * along) / cosine.
    offset = start - a
    along, advance = float(offset @ unit), way_R3 @ unit
    reach, shrink = (radius_a - taper * along) / cosine, -taper * advance / cosine
    across_0 = offset - along * unit
    across = way_R3 - advance[:, None] * unit
    square = np.einsum("ij,ij->i", across, across) - shrink * shrink
    half = across @ across_0 - reach * shrink
    rest = float(across_0 @ across_0) - reach * reach
    inside = half * half - square * np.float32(rest)
    square = np.where(np.abs(square) < 1e-9, np.float32(1e-9), square)
    depth = (-half - np.sqrt(np.maximum(inside, 0))) / square
    height = along + advance * depth
    # The ball touching at this height sits further along the axis by the taper.
    from_axis = (radius_a - taper * height) / cosine
    centre = height - taper * from_axis / cosine
    is_met = (inside > 0) & (depth > 0) & (centre > 0) & (centre < length)
    return np.where(is_met, depth, NOTHING), a + centre[:, None] * unit
