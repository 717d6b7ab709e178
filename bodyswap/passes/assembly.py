"""What follows the two passes: segments joined on the plate's clock, and the shot proven.

It does not know how segments were made, or where a shot that was joined elsewhere lies.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.encode import CODECS, FRAME_FORMATS, codec_of
from bodyswap.joins import Join
from bodyswap.media.check import DeliveryCheck, check_delivery, index_delivery
from bodyswap.media.concat import concat
from bodyswap.media.frame_list import LIST_SUFFIX, VIDEO_LIST, join_lists, list_video
from bodyswap.media.index import ClipIndex, index_clip, index_to_bytes
from bodyswap.media.segment_map import SegmentMap
from bodyswap.media.sound import write_sound
from bodyswap.media.stitch import stitched_head
from bodyswap.passes.warm import Warm
from bodyswap.quality.seams import seam_ratios
from bodyswap.steps import step
from bodyswap.timing import FrameRange


class Assembly:
    """Joins what was rendered of one plate, and looks at what came of it."""

    def __init__(self, warm: Warm) -> None:
        self._warm = warm

    @step("assemble")
    def assemble_shot(
        self,
        segments: list[Path],
        plate: Path,
        frames: FrameRange,
        out: Path,
        *,
        settings: RenderSettings,
    ) -> None:
        """Join the segments on the plate's own timeline, and prove it by decoding every frame.

        Of a sequence, `out` is the list of its frames, beside the plate's sound; the segments' own
        files stay where they are.
        Beside a video, the list of what was decoded is left.
        """
        clip = self._warm.clip(plate, settings)
        if settings.codec in FRAME_FORMATS:
            kind = FRAME_FORMATS[settings.codec]
            join_lists(segments, plate=clip, frames=frames, kind=kind).write(out)
            write_sound(clip, frames, out.parent, out.stem)
            return
        timeline, first_pts = clip.timeline.cut(frames), clip.timeline.pts[0]
        concat(segments, timeline, out, first_pts=first_pts, plate=clip)
        _check(out, clip, frames, out.parent)

    def head_of_shot(
        self,
        maps: Sequence[bytes],
        opening: Callable[[int], bytes],
        plate: Path,
        frames: FrameRange,
        *,
        settings: RenderSettings,
    ) -> bytes:
        """What comes before the segments of `maps`, each whole, in a shot joined where they lie.

        `opening` answers as many of the first segment's first bytes as it is asked for.
        """
        clip = self._warm.clip(plate, settings)
        segments = [SegmentMap.from_bytes(data) for data in maps]
        return stitched_head(
            segments, opening(segments[0].opening_bytes), clip.timeline.cut(frames),
            suffix=CODECS[settings.codec].suffix, first_pts=clip.timeline.pts[0], plate=clip,
        )  # fmt: skip

    def check_shot(
        self,
        shot: Path,
        plate: Path,
        frames: FrameRange,
        folder: Path,
        *,
        settings: RenderSettings,
    ) -> bytes:
        """Prove a shot that was joined elsewhere by decoding every frame; the list of what was
        decoded is left in `folder`. The shot's index, so that nobody reads it through again."""
        clip = self._warm.clip(plate, settings)
        check = _check(shot, clip, frames, folder)
        timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
        return index_to_bytes(index_delivery(shot, check, timeline, codec_of(settings, clip)))

    def see_joins(self, shot: Path, frames: FrameRange, joins: Sequence[Join]) -> tuple[Join, ...]:
        """The joins, with how they show in the assembled shot; of a sequence, as they were."""
        if shot.suffix == LIST_SUFFIX or not joins:
            return tuple(joins)
        inner = [join.frame for join in joins if not join.is_cut]
        ratios = dict(zip(inner, seam_ratios(index_clip(shot), frames, inner), strict=True))
        return tuple(replace(join, warping_ratio=ratios.get(join.frame)) for join in joins)


def _check(shot: Path, clip: ClipIndex, frames: FrameRange, folder: Path) -> DeliveryCheck:
    timeline = clip.timeline.cut(frames).starting_at(clip.timeline.pts[0])
    check = check_delivery(shot, timeline)
    list_video(shot, check, clip, frames).write(folder / VIDEO_LIST)
    return check
