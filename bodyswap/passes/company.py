"""Company: the subjects of one shot, rendered frame by frame together, as if they were one.

What they take from the past is one picture, theirs one under the other, so a company's state is
kept, compared and handed on as one subject's is. It does not know what they are laid over.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyswap.composite import over_own
from bodyswap.errors import IntegrityError
from bodyswap.frames import RGB, RenderedFrame
from bodyswap.people import PoseSequence
from bodyswap.render import BoundaryState, Renderer
from bodyswap.timing import FrameRange


@dataclass(frozen=True, kw_only=True)
class Member:
    """A subject's renderer, and what they do, in their own pixels."""

    renderer: Renderer
    poses: PoseSequence

    @property
    def background_HW3(self) -> RGB:
        return self.renderer.subject.background_HW3


class Company:
    """Renders its `members`: the lead, then the others, None where nobody stands in.

    `state` and `entrance` are as a `Renderer`'s.
    """

    def __init__(self, lead: Member, others: Sequence[Member | None] = ()) -> None:
        self._others = tuple(others)
        self._members = (lead, *(each for each in others if each is not None))

    @property
    def warmup_frames(self) -> int:
        """As many as the one of longest memory needs."""
        return max(each.renderer.subject.card.warmup_frames for each in self._members)

    @property
    def state(self) -> BoundaryState:
        return _stacked([each.renderer.state for each in self._members])

    @property
    def entrance(self) -> BoundaryState:
        return _stacked([each.renderer.entrance for each in self._members])

    def render(
        self, frames: FrameRange, *, warmup_frames: int, state: BoundaryState | None = None
    ) -> Iterator[RenderedFrame]:
        """The lead in each frame, with the others, as `Renderer.render` makes them.

        Raises:
            IntegrityError: the state is another company's.
            SubjectError: a subject was trained on another skeleton than the poses'.
        """
        states = [None] * len(self._members) if state is None else self._parted(state)
        each = [
            member.renderer.render(member.poses, frames, warmup_frames=warmup_frames, state=own)
            for member, own in zip(self._members, states, strict=True)
        ]
        for lead, *rest in zip(*each, strict=True):
            following = iter(rest)
            others = tuple(None if other is None else next(following) for other in self._others)
            yield replace(lead, others=others)

    def picture(self, frame: RenderedFrame) -> RGB:
        """Everybody in a frame over their own backgrounds: what the next one is made from."""
        rendered = (frame, *(other for other in frame.others if other is not None))
        return _piled([
            over_own(one, member.background_HW3)
            for one, member in zip(rendered, self._members, strict=True)
        ])  # fmt: skip

    def _parted(self, state: BoundaryState) -> list[BoundaryState | None]:
        pile_HW3 = state.previous_HW3
        if pile_HW3 is None:
            return [state] * len(self._members)
        shapes = [member.background_HW3.shape for member in self._members]
        whole = sum(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
        if pile_HW3.shape[:2] != whole:
            raise IntegrityError(
                f"a boundary state is {pile_HW3.shape[1]}x{pile_HW3.shape[0]}, and the subjects'"
                f" is {whole[1]}x{whole[0]}: it was left by others; render the shard anew"
            )
        states: list[BoundaryState | None] = []
        top = 0
        for height, width, _ in shapes:
            own_HW3 = np.ascontiguousarray(pile_HW3[top : top + height, :width])
            states.append(BoundaryState(previous_HW3=own_HW3))
            top += height
        return states


def _stacked(states: Sequence[BoundaryState]) -> BoundaryState:
    """Nothing where they begin: all begin at one frame, and at every cut."""
    pictures = [each.previous_HW3 for each in states if each.previous_HW3 is not None]
    return BoundaryState(previous_HW3=_piled(pictures) if pictures else None)


def _piled(pictures: Sequence[RGB]) -> RGB:
    """One under the other, black beside the narrower ones; a single one as it is."""
    if len(pictures) == 1:
        return pictures[0]
    widest = max(picture.shape[1] for picture in pictures)
    return np.concatenate([
        np.pad(picture, ((0, 0), (0, widest - picture.shape[1]), (0, 0))) for picture in pictures
    ])  # fmt: skip
