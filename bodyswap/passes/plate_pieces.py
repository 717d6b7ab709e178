"""A delivery's pieces with the subject in the plate itself, and proof that the rest is untouched.

Each frame is compared with the plate's outside the matte: as it is laid, and of a lossless codec
once more as the written file decodes. It does not know where the recipe came from.
Shape letters: H rows, W columns, 3 = red, green, blue.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bodyswap.composite import cut_out
from bodyswap.decode import decode
from bodyswap.encode import Codec, Segment, encode, encode_frames
from bodyswap.errors import IntegrityError
from bodyswap.frames import RGB, RGBA, LayeredFrame, RenderedFrame
from bodyswap.media.colour import Codes16
from bodyswap.media.deep_plate import EIGHT_BIT, DeepPlate, deep_plate
from bodyswap.media.index import ClipIndex, index_clip
from bodyswap.overlap import OnFrame, ignore_frames, reported
from bodyswap.passes.clean_plate import CleanPlateFile
from bodyswap.passes.pieces import SequencePieces, VideoPieces
from bodyswap.passes.plate_facts import PLATE_FACTS, PlateFrame
from bodyswap.replacing.lay import Laid, lay
from bodyswap.replacing.recipe import Recipe
from bodyswap.replacing.segment import CutOut
from bodyswap.steps import each_step, step
from bodyswap.timing import FrameRange

_Pair = tuple[Laid, RGB]


@dataclass(frozen=True, kw_only=True)
class PlatePieces:
    """The pieces of `inner`, made of the plate's frames instead of the subject's background."""

    plate: ClipIndex
    inner: VideoPieces | SequencePieces
    recipe: Recipe
    clean_plate: CleanPlateFile | None = None
    segment: CutOut | None = None
    suffix: str = field(init=False)
    shows_layers: bool = True

    def __post_init__(self) -> None:
        if self.recipe.set_moves and self.clean_plate is None:
            raise IntegrityError(
                "the recipe was made with a clean plate frame by frame, and none is here; fetch the"
                " job's own"
            )
        object.__setattr__(self, "suffix", self.inner.suffix)

    def write(
        self,
        rendered: Iterator[RenderedFrame],
        frames: FrameRange,
        path: Path,
        on_frame: OnFrame = ignore_frames,
    ) -> Segment:
        inner, ahead = self.inner, self.inner.overlap.ahead
        keeps = isinstance(inner, SequencePieces) or inner.codec.bits > 8
        with (
            deep_plate(self.plate, frames) as deep,
            ahead(each_step("decode", _pictures(self.plate, frames))) as plate,
            ahead(each_step("decode", self._sets(frames))) as sets,
        ):
            watch = _Watch(self.plate, outside=deep.precision if keeps else EIGHT_BIT)
            laid = watch.passing(self._laid(rendered, plate, sets))
            if isinstance(inner, VideoPieces):
                codec = inner.codec
                with ahead(self._shown(each, deep, codec) for each in laid) as shown:
                    segment = encode(
                        reported(shown, on_frame), path,
                        timeline=self.plate.timeline, frames=frames, codec=inner.codec,
                    )  # fmt: skip
            else:
                with ahead(self._layered(each, frames, deep) for each in laid) as layered:
                    segment = encode_frames(
                        reported(layered, on_frame), path,
                        plate=self.plate, frames=frames, kind=inner.kind,
                    )  # fmt: skip
        if isinstance(inner, VideoPieces) and inner.codec.is_lossless and not inner.codec.has_alpha:
            watch.check_file(path, frames)
        path.with_name(PLATE_FACTS).write_bytes(msgspec.json.encode(watch.facts))
        return segment

    def cuts(self, segment: Path) -> list[int]:
        return self.inner.cuts(segment)

    def rest(self, segment: Path, start: int, folder: Path) -> Path:
        return self.inner.rest(segment, start, folder)

    def _laid(
        self, rendered: Iterator[RenderedFrame], plate: Iterator[RGB], sets: Iterator[RGB | None]
    ) -> Iterator[_Pair]:
        for frame, picture, behind in zip(rendered, plate, sets, strict=True):
            with step("composite"):
                laid = self._marked(lay(frame, picture, self.recipe, behind, self.segment))
            yield laid, picture

    def _sets(self, frames: FrameRange) -> Iterator[RGB | None]:
        """What stands behind each frame, of a set that moves; else the recipe has it."""
        if self.clean_plate is None or not self.recipe.set_moves:
            return (None for _ in frames)
        return self.clean_plate.pictures(frames)

    def _marked(self, laid: Laid) -> Laid:
        """The mark goes where the frame is not the plate's, and nowhere else."""
        marked_HW3 = self.inner.traces.on_people(laid.rgb_HW3, laid.subject.index)
        rgb_HW3 = np.where(laid.touched_HW[..., None], marked_HW3, laid.rgb_HW3)
        return replace(laid, rgb_HW3=rgb_HW3)

    def _apart(self, laid: Laid) -> RenderedFrame:
        return self.inner.traces.on_layers(laid.subject, laid.clean_HW3)

    def _shown(self, laid: Laid, deep: DeepPlate, codec: Codec) -> RGB | RGBA | Codes16:
        """The subject cut out, or the plate's frame as deep as it and the codec are."""
        if codec.has_alpha:
            return cut_out(self._apart(laid))
        if codec.bits == 8:
            return laid.rgb_HW3
        return deep.with_laid(laid.subject.index, laid.rgb_HW3, laid.touched_HW).codes_HW3

    def _layered(self, laid: Laid, frames: FrameRange, deep: DeepPlate) -> LayeredFrame:
        assert isinstance(self.inner, SequencePieces)
        return LayeredFrame(
            subject=self._apart(laid),
            clean_plate_HW3=laid.clean_HW3,
            facts=self.inner.facts(laid.subject.index, frames),
            performer_HW=laid.performer_HW,
            whole=deep.with_laid(laid.subject.index, laid.rgb_HW3, laid.touched_HW),
        )


class _Watch:
    """Looks at each laid frame beside the plate's, and remembers where it may differ."""

    def __init__(self, plate: ClipIndex, *, outside: str) -> None:
        self._plate = plate
        self._outside = outside
        self._masks: list[bytes] = []
        self.facts: list[PlateFrame] = []

    def passing(self, pairs: Iterator[_Pair]) -> Iterator[Laid]:
        for laid, picture in pairs:
            differing = _differing_outside(laid.rgb_HW3, picture, laid.touched_HW)
            number = self._plate.first_number + laid.subject.index
            _refuse(differing, number)
            self.facts.append(
                PlateFrame(
                    number=number,
                    touched_share=_share(laid.touched_HW),
                    performer_share=_share(laid.performer_HW > 0.5),
                    set_never_seen_share=_share(~laid.seen_HW & (laid.removed_HW > 0)),
                    differing_outside=differing,
                    outside=self._outside,
                )
            )
            self._masks.append(zlib.compress(np.packbits(laid.touched_HW).tobytes(), 1))
            yield laid

    def check_file(self, path: Path, frames: FrameRange) -> None:
        """Decode what was written, and compare it with the plate outside the mattes.

        Raises:
            IntegrityError: a pixel there is not the plate's.
        """
        written = index_clip(path)
        pairs = zip(_pictures(written, written.frames), _pictures(self._plate, frames), strict=True)
        checked = []
        for (shown, picture), mask, fact in zip(pairs, self._masks, self.facts, strict=True):
            differing = _differing_outside(shown, picture, _unpacked(mask, picture.shape[:2]))
            _refuse(differing, fact.number)
            checked.append(replace(fact, differing_outside_in_file=differing))
        self.facts = checked


def _differing_outside(shown_HW3: RGB, plate_HW3: RGB, touched_HW: npt.NDArray[np.bool_]) -> int:
    return int(((shown_HW3 != plate_HW3).any(axis=2) & ~touched_HW).sum())


def _refuse(differing: int, number: int) -> None:
    if differing:
        raise IntegrityError(
            f"{differing} pixels of frame {number} outside the matte are not the plate's;"
            " nothing is delivered"
        )


def _pictures(clip: ClipIndex, frames: FrameRange) -> Iterator[RGB]:
    for batch in decode(clip, frames, batch_frames=2):
        yield from batch.rgb_NHW3


def _unpacked(mask: bytes, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    bits = np.frombuffer(zlib.decompress(mask), np.uint8)
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape[:2]).astype(np.bool_)


def _share(mask_HW: npt.NDArray[np.bool_]) -> float:
    return round(float(mask_HW.mean()), 6)
