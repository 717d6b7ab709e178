"""The last order of a job: prove and mend the joins, join the segments, prove the shot.

It does not know who gives the order, or what becomes of the shot.
"""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bodyswap.joins import RenderedPart
from bodyswap.passes.plate_facts import PLATE_FACTS, facts_from
from cluster.delivering.assemble import JOINS, checked_order
from cluster.delivering.stitching import StitchedShot, is_mapped, place_segment, read_opening
from cluster.jobs.commit import Commit, StoredFile, store_file
from cluster.stores.record import from_json, to_json
from cluster.workers.attempt import Attempt, delivery_suffix, frame_files
from cluster.workers.stages import Pipeline

_log = logging.getLogger(__name__)


def assemble(attempt: Attempt, pipeline: Pipeline) -> Commit:
    """The shot of the order's inputs: the solve step's commit, and every render shard's.

    Raises:
        BodyswapError: a segment is not what it should be, or the shot does not decode.
    """
    solved, *rendered = attempt.order.inputs
    commits = checked_order(rendered, attempt.spec.frames)
    proven = pipeline.prove_joins(
        [_part(attempt, commit) for commit in commits], attempt.solved_shot(solved), attempt.folder
    )
    stored, shot = _joined(attempt, pipeline, commits, proven.segments)
    joins = tuple(pipeline.see_joins(shot, attempt.spec.frames, proven.joins))
    return Commit(
        lease=attempt.lease,
        files=(
            stored,
            attempt.stored(JOINS, to_json(joins)),
            *_plate_facts(attempt, commits),
            # What assembling left beside the shot: the list of its frames, and a sequence's sound.
            *attempt.kept(sorted(attempt.folder.glob("frames.*"))),
            *attempt.kept(sorted(attempt.folder.glob("shot*.wav"))),
            *_frames(attempt, commits),
        ),
        frame_count=sum(commit.frame_count for commit in commits),
        first_pts=commits[0].first_pts,
        last_pts=commits[-1].last_pts,
    )


def _part(attempt: Attempt, commit: Commit) -> RenderedPart:
    hashes = from_json(attempt.read(commit, "pictures"), tuple[str, ...], what="pictures")
    return RenderedPart(
        frames=commit.lease.shard.frames,
        segment=attempt.segment(commit),
        entrance=attempt.read(commit, "entrance"),
        boundary=attempt.read(commit, "boundary"),
        picture_hashes=hashes,
    )


def _joined(
    attempt: Attempt, pipeline: Pipeline, commits: Sequence[Commit], segments: Sequence[Path]
) -> tuple[StoredFile, Path]:
    """The shot, in the store and proven by decoding it; joined there where segments allow."""
    settings, frames, plate = attempt.settings, attempt.spec.frames, attempt.plate
    path = attempt.folder / f"shot{delivery_suffix(settings)}"
    if not all(map(is_mapped, commits)):
        pipeline.assemble_shot(list(segments), plate, frames, path, settings=settings)
        return store_file(attempt.store, attempt.lease, path), path
    store, lease = attempt.store, attempt.lease
    mapped = {attempt.segment_path(commit): commit for commit in commits}
    placed = [place_segment(store, lease, at, mapped.get(at)) for at in segments]
    head = pipeline.head_of_shot(
        [segment.map for segment in placed], partial(read_opening, store, placed[0]),
        plate, frames, settings=settings,
    )  # fmt: skip
    shot = StitchedShot(store, lease, path.name)
    streamed = shot.compose(head, placed)
    index = pipeline.check_shot(streamed, plate, frames, attempt.folder, settings=settings)
    stored = shot.proven()
    _log.info("joined in the store: %s", shot.sentence())
    return stored, shot.known_as(index)


def _plate_facts(attempt: Attempt, commits: Sequence[Commit]) -> list[StoredFile]:
    """Frame by frame, what was done to the plate; of mended frames, what was done last."""
    parts = [
        attempt.read(commit, "plate")
        for commit in commits
        if any(file.name == PLATE_FACTS for file in commit.files)
    ]
    mended = sorted(attempt.folder.glob(f"mended-*/{PLATE_FACTS}"))
    parts += [path.read_bytes() for path in mended]
    if not parts:
        return []
    facts = {fact.number: fact for part in parts for fact in facts_from(part)}
    told = to_json(tuple(facts[number] for number in sorted(facts)))
    return [attempt.stored(PLATE_FACTS, told)]


def _frames(attempt: Attempt, commits: Sequence[Commit]) -> list[StoredFile]:
    """A sequence's files: in the store already, each under its shard, but for mended ones."""
    files = {file.name: file for commit in commits for file in frame_files(commit)}
    for file in attempt.kept(sorted(attempt.folder.glob("mended-*/shot.*"))):
        files[file.name] = file
    return list(files.values())
