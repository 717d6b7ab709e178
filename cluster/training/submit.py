"""Turn a request for a training into one in the store. Nothing else is needed to submit.

It does not know who trains it. Everything is checked before the first byte is written.
"""

import importlib.metadata
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bodyswap.errors import UsageError
from bodyswap.train import TrainingRequest
from bodyswap.training.parts import FootagePart, choose_parts
from cluster.jobs.keys import TrainingKeys, key_part, plate_file, weights_file
from cluster.jobs.refs import PlateRef, WeightsRef
from cluster.jobs.training_spec import (
    StoredPart,
    TrainingSpec,
    TrainingState,
)
from cluster.rights.doors import permit_training
from cluster.stores.record import file_hash, to_yaml
from cluster.stores.store import Store, put_once
from cluster.training.status import read_status


def submit_training(
    store: Store, request: TrainingRequest, *, workers: int, now_s: float, submitted_by: str = ""
) -> str:
    """Put the training and its footage into the store, and answer its id.

    A request that was made before gives the same training; one that had failed is tried anew.

    Raises:
        ConsentError: nobody's consent covers training on this footage.
        InputError: the footage, the frames held out, the subject's name or a setting are no good.
        StoreError: the store failed; submitting again goes on.
    """
    if key_part(request.subject) != request.subject:
        raise UsageError(f"subject '{request.subject}' is no name to store; use letters only")
    parts, held_out = choose_parts(request.footage, request.hold_out)
    clips = {part.clip.path: _plate(part) for part in (*parts, *held_out)}
    weights, settings = request.settings.training.vgg_weights, request.settings
    plain = replace(settings, training=replace(settings.training, vgg_weights=None))
    spec = TrainingSpec(
        subject=request.subject,
        consent=request.consent,
        height=request.height,
        parts=_stored(parts, clips),
        held_out=_stored(held_out, clips),
        settings=plain.to_dict(),
        software=f"bodyswap {importlib.metadata.version('bodyswap')}",
        vgg=None if weights is None else _weights(weights),
        workers=workers,
        submitted_at=datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%S.%fZ"),
        submitted_by=submitted_by,
    )
    hashes = tuple(dict.fromkeys(clip.sha256 for clip in clips.values()))
    permit_training(store, request.subject, hashes, request.consent, by=submitted_by)
    for path, clip in clips.items():
        put_once(store, plate_file(clip), path)
    if spec.vgg is not None and weights is not None:
        put_once(store, weights_file(spec.vgg), weights)
    if read_status(store, spec).state is TrainingState.FAILED:
        store.delete(TrainingKeys(training=spec.training).status)
    store.put_if_absent(TrainingKeys(training=spec.training).spec, to_yaml(spec))
    return spec.training


def _plate(part: FootagePart) -> PlateRef:
    path = part.clip.path
    return PlateRef(sha256=file_hash(path), name=key_part(path.name), frame_count=len(part.clip))


def _weights(path: Path) -> WeightsRef:
    if not path.is_file():
        raise UsageError(f"weights '{path}' are not there; give a file")
    return WeightsRef(sha256=file_hash(path), name=key_part(path.name))


def _stored(parts: Iterable[FootagePart], clips: dict[Path, PlateRef]) -> tuple[StoredPart, ...]:
    return tuple(StoredPart(clip=clips[part.clip.path], frames=part.frames) for part in parts)
