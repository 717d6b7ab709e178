"""The cast: everybody who is replaced in a plate beside the lead, solved, and rendered with them.

It does not know pixels, nor how the lead was found.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from bodyswap.config import Over, RenderSettings
from bodyswap.errors import IntegrityError, UsageError
from bodyswap.homography import Homographies
from bodyswap.nets.checkpoint import Subject
from bodyswap.passes.company import Company, Member
from bodyswap.passes.pairing import check_skeleton
from bodyswap.passes.shot_inputs import ShotInputs, SolvedShot
from bodyswap.passes.warm import Warm
from bodyswap.people import Detections, PoseSequence
from bodyswap.replacement import Role
from bodyswap.replacing.make import Swap
from bodyswap.replacing.recipe import Recipe
from bodyswap.solve import PlateShape, Solution, as_subject, follow_performer


@dataclass(frozen=True, kw_only=True)
class SolvedCast:
    """The others, as they are replaced, and what is told of each."""

    swaps: tuple[Swap, ...] = ()
    told: tuple[dict[str, object], ...] = ()


def solve_others(
    lead: Solution, detections: Detections, plate: PlateShape, inputs: ShotInputs, warm: Warm
) -> SolvedCast:
    """Everybody else who is replaced, beside the `lead`, over the lead's frames.

    Raises:
        NoPerformerError: one of them is nobody.
        SubjectError: a subject was trained on another skeleton.
        UsageError: two are the same person, or nobody is laid into the plate.
    """
    frames, settings = lead.performer.frames, inputs.settings
    check_over(inputs.replacement.others, settings)
    swaps, told = [], []
    taken = {lead.report["performer"]: settings.solve.performer}
    for role in inputs.replacement.others:
        own = replace(settings.solve, performer=role.performer)
        performer, report = follow_performer(detections, frames, plate=plate, settings=own)
        if report.performer in taken:
            raise UsageError(
                f"performers {taken[report.performer]} and {role.performer} are the same person,"
                f" {report.performer}; give each once (`bodyswap pose` shows their ids)"
            )
        taken[report.performer] = role.performer
        person = None if role.subject is None else warm.subject(role.subject, settings)
        camera_N33 = detections.camera_over(frames)
        swaps.append(_swap(performer, person, camera_N33, plate, replace(settings, solve=own)))
        found = {key: value for key, value in asdict(report).items() if key in _TOLD}
        told.append({**found, "subject": person.card.name if person else None})
    return SolvedCast(swaps=tuple(swaps), told=tuple(told))


_TOLD = ("performer", "present", "interpolated", "absent")


def check_over(others: Sequence[Role], settings: RenderSettings) -> None:
    """Raises UsageError where there are others, and the subject is not laid into the plate."""
    if others and settings.over != Over.PLATE:
        raise UsageError(
            f"{len(others) + 1} performers are to be replaced, but over their subject's own"
            " background one is rendered; give --over plate too"
        )


def refuse_others(others: Sequence[Role]) -> None:
    """Raises UsageError where there are any: given poses are of one performer."""
    if others:
        raise UsageError(
            f"the poses given are of one performer, and {len(others) + 1} are to be replaced; leave"
            " the poses out, or replace one"
        )


def company_for(shot: SolvedShot, recipe: Recipe | None, warm: Warm) -> Company:
    """Everybody who is rendered, ready: the shot's subject and, by its `recipe`, the others.

    Raises:
        IntegrityError: the recipe was made for another cast.
    """
    roles, settings = shot.inputs.replacement.others, shot.settings
    given = [] if recipe is None else list(recipe.replaced[1:])
    others: list[Member | None] = []
    if len(given) != len(roles):
        raise IntegrityError(
            f"the recipe replaces {len(given)} performers beside the lead, and"
            f" {len(roles)} are asked for; solve the shot anew"
        )
    for role, each in zip(roles, given, strict=True):
        if (role.subject is None) != (each.subject is None):
            raise IntegrityError(f"the recipe has another stand-in for performer {role.performer}")
        if role.subject is None or each.subject is None:
            others.append(None)
            continue
        renderer = warm.renderer(role.subject, settings, each.subject)
        others.append(Member(renderer=renderer, poses=each.subject))
    renderer = warm.renderer(shot.inputs.subject, settings, shot.poses)
    return Company(Member(renderer=renderer, poses=shot.poses), others)


def _swap(
    performer: PoseSequence, person: Subject | None, camera_N33: Homographies | None,
    plate: PlateShape, settings: RenderSettings,
) -> Swap:  # fmt: skip
    if person is None:
        return Swap(performer=performer)
    card = person.card
    check_skeleton(performer.skeleton.name, settings.pose.model, card)
    poses = as_subject(
        performer, camera_N33, plate=plate, stance=card.stance, settings=settings.solve
    )
    return Swap(performer=performer, subject=poses, background_HW3=person.background_HW3)
