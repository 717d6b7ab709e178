"""A shot's pictures, opened: the plate, the subject's background, and the clean plate given.

It does not know poses, or which frames are wanted. Shape letters: H rows, W columns, 3 = RGB.
"""

from dataclasses import dataclass

from bodyswap.config import RenderSettings
from bodyswap.frames import RGB
from bodyswap.media.index import ClipIndex
from bodyswap.passes.shot_inputs import ShotInputs
from bodyswap.passes.warm import Warm


@dataclass(frozen=True, kw_only=True)
class OpenShot:
    """What a delivery is laid together from, beside what is rendered; `settings` say how."""

    plate: ClipIndex
    background_HW3: RGB
    settings: RenderSettings
    clean_plate: ClipIndex | None = None


def open_shot(inputs: ShotInputs, warm: Warm) -> OpenShot:
    """The pictures of `inputs`, as a worker keeps them.

    Raises:
        PlateError: a plate cannot be read.
        SubjectError: the subject cannot.
    """
    settings, given = inputs.settings, inputs.replacement.clean_plate
    return OpenShot(
        plate=warm.clip(inputs.plate, settings),
        clean_plate=None if given is None else warm.clip(given, settings),
        background_HW3=warm.subject(inputs.subject, settings).background_HW3,
        settings=settings,
    )
