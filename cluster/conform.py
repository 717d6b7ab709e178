"""A cut list rendered: a job a shot, each delivered as its next version, and the edit with them.

It does not know how a shot is rendered, nor how progress is shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from bodyswap.config import RenderSettings
from bodyswap.encode import delivered_name
from bodyswap.errors import PlateError, UsageError
from bodyswap.media.conform import CutList, CutShot
from bodyswap.media.index import ClipIndex, as_set, index_clip
from bodyswap.media.naming import WORK, check_stem, deliver_as
from bodyswap.media.sequence import sequences_in
from bodyswap.timing import AUTO_RATE
from cluster.asking.submit import JobRequest
from cluster.shot import OnStatus, render_shot
from cluster.stores.store import Store

_FILM_SUFFIXES = frozenset({".mov", ".mp4", ".mkv", ".mxf", ".avi", ".webm", ".m4v"})


@dataclass(frozen=True, kw_only=True)
class ConformRequest:
    """What a person asks for. Shots are called `prefix` and a number; `rate` is that of an EDL,
    None for the first plate's."""

    cut: Path
    plates: Path
    subject: str
    settings: RenderSettings
    handles: int = 8
    prefix: str = "SHOT"
    rate: Fraction | None = None
    submitted_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Conformed:
    """The edit, and each shot's delivered files by its name."""

    edit: Path
    shots: dict[str, tuple[Path, ...]]


def conform(
    store: Store,
    request: ConformRequest,
    out: Path,
    *,
    runtime: str,
    workers: int | None,
    on_shot: Callable[[CutShot, int, int], None],
    on_status: OnStatus,
    on_assumed: Callable[[str], None] = lambda _: None,
) -> Conformed:
    """Render every shot of the cut into `out`, and write the edit there with plates and renders.

    Raises:
        UsageError: the cut list cannot be read.
        PlateError: a clip is of no plate in the folder.
        BodyswapError: whatever ended a shot's job.
    """
    check_stem(request.prefix)
    plates = list(_plates_in(request.plates, request.settings))
    if not plates:
        raise PlateError(f"{request.plates} holds no plate; give a folder of videos or frames")
    cut = CutList.read(request.cut, request.rate or plates[0].timeline.rate)
    shots = cut.shots(plates, handles=request.handles, prefix=request.prefix)
    delivered: dict[str, tuple[Path, ...]] = {}
    renders: dict[str, Path] = {}
    by_path = {plate.path: plate for plate in plates}
    for place, shot in enumerate(shots):
        on_shot(shot, place, len(shots))
        work = out / WORK / shot.name
        made = render_shot(
            store, _job(request, shot, by_path[shot.plate]), work,
            runtime=runtime, workers=workers, on_status=on_status, on_assumed=on_assumed,
        )  # fmt: skip
        files = deliver_as(made.files, out, f"{shot.name}_comp")
        delivered[shot.name] = files
        name = delivered_name(request.settings.codec, by_path[shot.plate], shot.frames)
        renders[shot.name] = files[0].parent / name.replace("shot", files[0].parent.name, 1)
    edit = out / f"{request.cut.stem}.otio"
    cut.write(edit, shots, by_path, renders)
    return Conformed(edit=edit, shots=delivered)


def _job(request: ConformRequest, shot: CutShot, plate: ClipIndex) -> JobRequest:
    settings = request.settings
    return JobRequest(
        plate=shot.plate,
        subject=request.subject,
        settings=settings if plate.files else replace(settings, rate=AUTO_RATE),
        frames=shot.frames.numbered(plate.first_number),
        name=shot.name,
        submitted_by=request.submitted_by,
    )


def _plates_in(folder: Path, settings: RenderSettings) -> Iterator[ClipIndex]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give the one that holds the plates")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _FILM_SUFFIXES:
            yield index_clip(path)
    for pattern in sequences_in(folder):
        yield as_set(index_clip(pattern), settings)
