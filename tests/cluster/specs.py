"""Job specs for tests that need one and care about a field or two of it."""

from bodyswap.config import Mode, RenderSettings
from bodyswap.timing import FrameRange
from cluster.jobs.job import JobSpec
from cluster.jobs.refs import PlateRef, SubjectFile, SubjectRef

SUBJECT = SubjectRef(name="tiny", files=(SubjectFile(name="card.yaml", sha256="b" * 64),))


def make_spec(
    *,
    frames: FrameRange,
    shards: int | None = None,
    mode: Mode = Mode.FAST,
    priority: int = 50,
    plate: str = "a" * 64,
    subject: SubjectRef = SUBJECT,
    settings: RenderSettings | None = None,
) -> JobSpec:
    return JobSpec(
        plate=PlateRef(sha256=plate, name="plate.mp4", frame_count=frames.stop),
        subject=subject,
        frames=frames,
        settings=(settings or RenderSettings(mode=mode)).to_dict(),
        software="bodyswap test",
        shards=shards,
        priority=priority,
        submitted_at="20260101T000000.000000Z",
    )
