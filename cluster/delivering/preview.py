"""What of a job's shot is rendered so far, as an HLS playlist of the segments themselves.

Nothing is coded again or copied: segments are fragmented MP4 on the shot's own clock, so a player
needs the first one's head and then each one's fragments, which are ranges of the committed objects.
The playlist grows while the job renders (EVENT) and ends with it. Pictures only, no sound.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from bodyswap.config import CodecName
from bodyswap.errors import JobError, UsageError
from bodyswap.timing import FrameRange
from cluster.delivering.stitching import MAP, is_mapped
from cluster.jobs.commit import Commit
from cluster.jobs.job import JobSpec, Stage
from cluster.jobs.journal import Journal
from cluster.jobs.keys import JobKeys, preview_playlist
from cluster.jobs.observe import read_plan, read_spec
from cluster.jobs.plan import Shard
from cluster.stores.record import from_json
from cluster.stores.store import Store, missing

PLAYABLE = (CodecName.H264, CodecName.HEVC)
"""What browsers and phones play; HEVC not everywhere."""

_LONGEST_UNKNOWN_S = 10


@dataclass(frozen=True, kw_only=True)
class PreviewSegment:
    """A committed render shard's segment: its head up to `head_bytes`, its fragments to `stop`."""

    frames: FrameRange
    key: str
    head_bytes: int
    stop: int
    duration_s: Fraction


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The finished beginning of a job's shot. `target_s` is no shorter than any segment to come."""

    job: str
    segments: tuple[PreviewSegment, ...]
    target_s: int
    is_over: bool


Address = Callable[[int, PreviewSegment], str]
"""Where a player finds the segment of that place in the preview."""


class PreviewReader:
    """Looks at one job again and again; what was committed is read once."""

    def __init__(self, store: Store, job: str) -> None:
        self._store, self._job = store, job
        self._known: dict[str, PreviewSegment] = {}

    def read(self) -> Preview:
        """How far the shot is from its first frame on, without a gap.

        Raises:
            JobError: there is no such job.
            UsageError: its codec plays in no browser.
        """
        spec = read_spec(self._store, self._job)
        if spec is None:
            raise JobError(f"'{self._job}' is no job of {self._store.url}")
        codec = spec.render_settings.codec
        if codec not in PLAYABLE:
            raise UsageError(
                f"job {self._job} is rendered as {codec}, which plays in no browser; previews are"
                f" of {' and '.join(PLAYABLE)}"
            )
        rendered = {each.frames.start: each for each in self._segments()}
        done, at = [], spec.frames.start
        while at in rendered:
            done.append(rendered[at])
            at = rendered[at].frames.stop
        last = Journal(self._store, self._job).latest()
        is_given_up = last is not None and last.state.is_final
        is_over = at == spec.frames.stop or is_given_up
        return Preview(
            job=self._job, segments=tuple(done), target_s=self._target_s(done), is_over=is_over
        )

    def _segments(self) -> list[PreviewSegment]:
        root = JobKeys(job=self._job).stage(Stage.RENDER)
        for key in self._store.list_keys(root):
            if key.endswith("/commit.json") and key not in self._known:
                commit = from_json(self._store.get(key) or b"", Commit, what=key)
                if is_mapped(commit):
                    self._known[key] = _segment(self._store, commit)
        return list(self._known.values())

    def _target_s(self, done: list[PreviewSegment]) -> int:
        """The playlist's target must not change, so it is the longest planned shard's."""
        plan = read_plan(self._store, self._job)
        if not done or plan is None:
            return _LONGEST_UNKNOWN_S
        longest = max(map(len, plan.render))
        frame_s = max(each.duration_s / len(each.frames) for each in done[:1])
        return max(math.ceil(longest * frame_s), *(math.ceil(each.duration_s) for each in done))


def playlist(preview: Preview, address: Address) -> str:
    """The preview as HLS (RFC 8216), an EVENT playlist of byte ranges."""
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{preview.target_s}",
        "#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-INDEPENDENT-SEGMENTS",
    ]  # fmt: skip
    for place, segment in enumerate(preview.segments):
        where = address(place, segment)
        if place == 0:
            lines.append(f'#EXT-X-MAP:URI="{where}",BYTERANGE="{segment.head_bytes}@0"')
        lines += [
            f"#EXTINF:{float(segment.duration_s):.6f},",
            f"#EXT-X-BYTERANGE:{segment.stop - segment.head_bytes}@{segment.head_bytes}",
            where,
        ]
    if preview.is_over:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def keep_preview(store: Store, spec: JobSpec, shard: Shard) -> None:
    """Bring the playlist in the store up to date once a shard is committed, where that shows.

    A render shard whose predecessor is missing shows nothing; that one will write when it comes.
    """
    if spec.render_settings.codec not in PLAYABLE:
        return
    if shard.stage is Stage.RENDER and shard.index and not _is_reached(store, spec, shard):
        return
    if shard.stage in (Stage.RENDER, Stage.ASSEMBLE):
        write_preview(store, spec.job)


def _is_reached(store: Store, spec: JobSpec, shard: Shard) -> bool:
    """True where the shard before this one is committed."""
    keys = JobKeys(job=spec.job)
    if store.head(keys.commit(replace(shard, index=shard.index - 1))) is not None:
        return True
    # Where shards were split or done again, it has another key than its index tells.
    plan = read_plan(store, spec.job)
    shards = plan.shards(Stage.RENDER) if plan else ()
    before = [each for each in shards if each.frames.stop == shard.frames.start]
    return all(store.head(keys.commit(each)) is not None for each in before)


def write_preview(store: Store, job: str) -> str:
    """Put the playlist of a job into the store, beside the job; its key.

    Two writers may cross, and the later put be of the shorter list: so whoever has put looks again.
    """
    key, reader = preview_playlist(job), PreviewReader(store, job)
    written: Preview | None = None
    while (preview := reader.read()).segments and preview != written:
        store.put(key, playlist(preview, lambda _, segment: f"../../{segment.key}").encode())
        written = preview
    return key


def _segment(store: Store, commit: Commit) -> PreviewSegment:
    # PyAV comes with it, which the command line must start without.
    from bodyswap.media.segment_map import SegmentMap

    file, map_key = commit.file("segment"), commit.file(MAP).key
    data = store.get(map_key)
    if data is None:
        raise missing(map_key, store.url)
    found = SegmentMap.from_bytes(data)
    return PreviewSegment(
        frames=commit.lease.shard.frames,
        key=file.key,
        head_bytes=found.head_bytes,
        stop=max(at + size for at, size in zip(found.offsets, found.sizes, strict=True)),
        duration_s=found.duration_s,
    )
