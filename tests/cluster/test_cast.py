"""Jobs that replace several performers, or have a clean plate: addresses, doors, what is told."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from specs import make_spec
from tiny_farm import TinyFarm, make_farm
from tiny_pipeline import write_subject

from bodyswap.choice import Casting, cast_of
from bodyswap.config import RenderSettings
from bodyswap.environment import rights_file
from bodyswap.errors import UsageError
from bodyswap.people import PoseSequence
from bodyswap.rights.audit import Event
from bodyswap.rights.refusal import RefusedError
from bodyswap.rights.trust import operator_trust
from bodyswap.timing import FrameRange
from cluster.asking.submit import JobRequest
from cluster.cli.app import main
from cluster.delivering.approval import judge
from cluster.jobs.address import render_address, solve_address
from cluster.jobs.commit import Commit, grant, read_commit
from cluster.jobs.job import JobSpec, JobState, Stage
from cluster.jobs.journal import Ruling
from cluster.jobs.keys import JobKeys, plate_file
from cluster.jobs.observe import read_spec
from cluster.jobs.order import Order
from cluster.jobs.plan import Shard
from cluster.jobs.refs import CastRef, PlateRef, SubjectFile, SubjectRef
from cluster.rights.audit_log import read_verified
from cluster.rights.doors import permit_order, permit_publish, recheck
from cluster.rights.quarantine import quarantine
from cluster.stores.asker import Asker
from tests.media.clips import pictures, write_clip

IN_THE_PLATE = RenderSettings(over="plate", warmup_frames=3)
MARA = SubjectRef(name="mara", files=(SubjectFile(name="card.yaml", sha256="c" * 64),))
WHOLE = FrameRange(start=0, stop=20)
CLEAN = PlateRef(sha256="d" * 64, name="set.png", frame_count=1)


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyFarm:
    """A farm whose operator's list, and the consents beside it, a test may spoil."""
    shutil.copytree(rights_file().parent, tmp_path / "operator")
    monkeypatch.setenv("BODYSWAP_RIGHTS", str(tmp_path / "operator" / rights_file().name))
    return make_farm(tmp_path)


def _request(farm: TinyFarm) -> JobRequest:
    mara = write_subject(farm.folder / "mara", name="mara")
    (farm.folder / "set.txt").write_text("plate\n0\n")
    cast = (
        Casting(performer="2", subject=str(mara)),
        Casting(performer="3", subject=None),
    )
    return replace(
        farm.request(frame_count=20, shards=2), settings=IN_THE_PLATE, cast=cast,
        clean_plate=farm.folder / "set.txt",
    )  # fmt: skip


def _published(farm: TinyFarm) -> JobSpec:
    job = farm.client.submit(_request(farm))
    assert farm.run_inline(job).state is JobState.PUBLISHED
    spec = read_spec(farm.store, job)
    assert spec is not None
    return spec


def _spec(**changes: object) -> JobSpec:
    return replace(make_spec(frames=WHOLE, settings=IN_THE_PLATE), **changes)  # type: ignore[arg-type]


CASTS: dict[str, dict[str, object]] = {
    "one": {},
    "another": {"cast": (CastRef(performer="2", subject=MARA),)},
    "another place": {"cast": (CastRef(performer="3", subject=MARA),)},
    "one gone": {"cast": (CastRef(performer="2", subject=None),)},
    "a clean plate": {"clean_plate": CLEAN},
    "another clean plate": {"clean_plate": replace(CLEAN, sha256="e" * 64)},
}


def test_whatever_is_replaced_otherwise_is_another_job_at_other_addresses() -> None:
    specs = [_spec(**changes) for changes in CASTS.values()]
    solve = Shard(stage=Stage.SOLVE, index=0, frames=WHOLE)
    assert len({spec.job for spec in specs}) == len(CASTS)
    assert len({spec.picture_id for spec in specs}) == len(CASTS)
    assert len({solve_address(spec, solve, []) for spec in specs}) == len(CASTS)


def test_a_render_shard_is_another_for_another_cast_and_the_same_for_the_same(
    farm: TinyFarm,
) -> None:
    spec = _published(farm)
    solved = _commits(farm, spec, Stage.SOLVE)[0]
    poses = farm.folder / "subject.npz"
    farm.store.fetch_file(solved.file("subject").key, poses)

    def address(one: JobSpec) -> str:
        shard = Shard(stage=Stage.RENDER, index=0, frames=FrameRange(start=0, stop=10))
        sequence = PoseSequence.from_bytes(poses.read_bytes())
        return render_address(one, shard, solved, sequence, "tiny", None)

    assert address(spec) == address(replace(spec, name="another name"))
    assert len({address(spec), address(replace(spec, clean_plate=None)),
                address(replace(spec, cast=spec.cast[:1]))}) == 3  # fmt: skip


def _commits(farm: TinyFarm, spec: JobSpec, stage: Stage) -> list[Commit]:
    keys = [key for key in farm.store.list_keys(JobKeys(job=spec.job).stage(stage))
            if key.endswith("/commit.json")]  # fmt: skip
    frames = [FrameRange(start=0, stop=10), FrameRange(start=10, stop=20)]
    shards = [
        Shard(stage=stage, index=index, frames=frames[index] if len(keys) > 1 else WHOLE)
        for index in range(len(keys))
    ]
    found = [read_commit(farm.store, spec.job, shard) for shard in shards]
    return [commit for commit in found if commit is not None]


def test_everything_reaches_the_worker_and_the_manifest(farm: TinyFarm) -> None:
    spec = _published(farm)
    assert spec.clean_plate is not None
    assert farm.store.head(plate_file(spec.clean_plate)) is not None
    farm.client.fetch(spec.job, farm.folder / "out")
    told = json.loads((farm.folder / "out/solve-report.json").read_text())
    assert told == {"people": 3, "stand-ins": ["mara", None], "clean_plate": "plate\n0\n"}
    manifest = farm.client.manifest(spec.job)
    assert [each.subject and each.subject.name for each in manifest.cast] == ["mara", None]
    assert manifest.clean_plate == spec.clean_plate


def _forget_mara(farm: TinyFarm) -> None:
    shutil.rmtree(farm.folder / "operator/consents/mara")


def _order(farm: TinyFarm, spec: JobSpec, stage: Stage) -> Order:
    shard = Shard(stage=stage, index=0, frames=FrameRange(start=0, stop=10))
    lease = grant(farm.store, job=spec.job, shard=shard, epoch=9, worker="w0")
    return Order(spec=spec, lease=lease, inputs=())


DOORS: dict[str, Callable[[TinyFarm, JobSpec], object]] = {
    "submit": lambda farm, spec: farm.client.submit(_request(farm)),
    "render": lambda farm, spec: permit_order(farm.store, _order(farm, spec, Stage.RENDER)),
    "on the way": lambda farm, spec: recheck(farm.store, _order(farm, spec, Stage.RENDER)),
    "assemble": lambda farm, spec: permit_order(farm.store, _order(farm, spec, Stage.ASSEMBLE)),
    "publish": lambda farm, spec: permit_publish(farm.store, spec),
    "download": lambda farm, spec: farm.client.fetch(spec.job, farm.folder / "got"),
    "judge": lambda farm, spec: judge(
        farm.store, spec.job, Ruling.APPROVED, by="ann", now_s=time.time()
    ),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyFarm, JobSpec]:
    farm = make_farm(tmp_path_factory.mktemp("farm"))
    return farm, _published(farm)


@pytest.mark.parametrize("door", DOORS)
def test_one_subject_without_a_consent_closes_every_door(
    door: str, done: tuple[TinyFarm, JobSpec], farm: TinyFarm
) -> None:
    shutil.copytree(done[0].folder, farm.folder, dirs_exist_ok=True)
    DOORS[door](farm, done[1])
    _forget_mara(farm)
    shutil.rmtree(farm.folder / "got", ignore_errors=True)
    with pytest.raises(RefusedError, match="mara"):
        DOORS[door](farm, done[1])


def test_a_revoked_stand_in_takes_the_shot_out_of_reach(farm: TinyFarm) -> None:
    spec = _published(farm)
    _forget_mara(farm)
    moved = quarantine(farm.store, "mara", operator_trust(), Asker(4), by="it", now_s=time.time())
    assert JobKeys(job=spec.job).manifest in moved


def test_the_log_tells_of_everybody_who_was_released(farm: TinyFarm) -> None:
    spec = _published(farm)
    assert [record.terms.subject for record in permit_publish(farm.store, spec)] == ["tiny", "mara"]
    entries = read_verified(farm.store, operator_trust()).entries
    released = [each.fact.subject for each in entries if each.fact.event is Event.PUBLISHED]
    assert released == ["tiny", "mara"]


@pytest.mark.parametrize(
    ("texts", "subject", "cast"),
    [
        ((), "vega", [("auto", "vega")]),
        (("2",), "vega", [("2", "vega")]),
        (("1=vega", "2=none"), None, [("1", "vega"), ("2", None)]),
        (("1=none", "2=rex", "310,120@1017"), "vega",
         [("2", "rex"), ("1", None), ("310,120@1017", "vega")]),
    ],
)  # fmt: skip
def test_who_stands_in_for_whom_is_read_as_it_is_written(
    texts: tuple[str, ...], subject: str | None, cast: list[tuple[str, str | None]]
) -> None:
    assert [(each.performer, each.subject) for each in cast_of(texts, subject)] == cast


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--performer", "1=none"], "nobody rendered"),
        (["--performer", "1=tiny", "--performer", "1=none"], "named 2 times"),
        (["--performer", "2"], "2=SUBJECT"),
        (["--performer", "you=tiny"], "unknown"),
        ([], "--subject"),
        (["--performer", "1=SUBJECT", "--performer", "2=none"], "--over plate"),
        (["--performer", "1=SUBJECT", "--clean-plate", "PLATE"], "--over plate"),
    ],
)
def test_a_cast_that_cannot_be_is_refused_with_a_way_out(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    plate = write_clip(tmp_path / "plate.mp4", pictures(3))
    given = [word.replace("SUBJECT", "vega").replace("PLATE", str(plate)) for word in words]
    store = str(tmp_path / "store")
    monkeypatch.setattr(sys, "argv", ["bodyswap", "submit", str(plate), "--store", store, *given])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert why in capsys.readouterr().err


def test_what_cannot_be_together_is_no_job() -> None:
    for changes in (CASTS["another"], CASTS["a clean plate"]):
        with pytest.raises(UsageError, match="--over plate"):
            replace(make_spec(frames=WHOLE), **changes)  # type: ignore[arg-type]
