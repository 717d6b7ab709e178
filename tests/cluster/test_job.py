import dataclasses

import pytest
from specs import SUBJECT, make_spec

from bodyswap.config import Mode
from bodyswap.errors import IntegrityError, UsageError
from bodyswap.timing import FrameRange
from cluster.jobs.job import JobSpec, JobState
from cluster.jobs.keys import job_of_marker, key_part, queue_marker
from cluster.jobs.refs import SubjectFile, SubjectRef
from cluster.stores.record import from_yaml, to_yaml
from cluster.stores.store import check_key

FRAMES = FrameRange(start=0, stop=100)
SPEC = make_spec(frames=FRAMES)


def test_the_same_request_is_the_same_job_whoever_asks_and_when() -> None:
    later = dataclasses.replace(
        SPEC, submitted_at="20270101T000000.000000Z", submitted_by="kim", priority=9
    )
    assert later.job == SPEC.job


@pytest.mark.parametrize(
    "other",
    [
        make_spec(frames=FrameRange(start=1, stop=100)),
        make_spec(frames=FRAMES, mode=Mode.EXACT),
        make_spec(frames=FRAMES, shards=3),
        make_spec(frames=FRAMES, plate="c" * 64),
        make_spec(
            frames=FRAMES,
            subject=SubjectRef(
                name="tiny", files=(SubjectFile(name="card.yaml", sha256="d" * 64),)
            ),
        ),
        dataclasses.replace(SPEC, software="bodyswap 2"),
        # By these consents are asked.
        dataclasses.replace(SPEC, project="nightfall"),
        dataclasses.replace(SPEC, use="advertising"),
    ],
)
def test_whatever_changes_the_picture_or_whose_consent_counts_changes_the_job(
    other: JobSpec,
) -> None:
    assert other.job != SPEC.job


def test_a_spec_reads_back_from_yaml_as_the_same_job() -> None:
    again = from_yaml(to_yaml(SPEC), JobSpec, what="job.yaml")
    assert again == SPEC and again.job == SPEC.job
    assert again.render_settings == SPEC.render_settings


def test_a_damaged_spec_is_an_integrity_error_that_names_it() -> None:
    with pytest.raises(IntegrityError, match=r"job.yaml is damaged"):
        from_yaml(to_yaml(SPEC)[:40], JobSpec, what="job.yaml")


def test_a_job_of_no_frames_is_refused() -> None:
    with pytest.raises(UsageError, match="no frames"):
        make_spec(frames=FrameRange(start=5, stop=5))


ASIDE = {JobState.PAUSED, JobState.CANCELLED, JobState.FAILED, JobState.QUARANTINED}
WAY = [state for state in JobState if state not in ASIDE]


def test_only_an_end_is_final() -> None:
    finals = {state for state in JobState if state.is_final}
    assert finals == ASIDE - {JobState.PAUSED} | {JobState.PUBLISHED}


def test_a_published_job_stays_published() -> None:
    assert not any(JobState.PUBLISHED.may_become(later) for later in JobState)


def test_other_ends_are_left_only_for_the_beginning_of_the_way() -> None:
    for state in ASIDE - {JobState.PAUSED}:
        following = {later for later in JobState if state.may_become(later)}
        assert following == {JobState.SUBMITTED, JobState.PLANNED}


def test_states_on_the_way_never_go_back_and_may_step_aside() -> None:
    for before in WAY[:-1]:
        for later in WAY:
            assert before.may_become(later) == (WAY.index(later) > WAY.index(before))
        assert all(before.may_become(state) for state in ASIDE)


def test_a_paused_job_goes_on_or_ends_but_is_not_published_asleep() -> None:
    following = {later for later in JobState if JobState.PAUSED.may_become(later)}
    assert following == {JobState.SUBMITTED, JobState.PLANNED} | ASIDE - {JobState.PAUSED}


def test_queue_markers_sort_by_priority_then_time_and_name_their_job() -> None:
    urgent, usual = make_spec(frames=FRAMES, priority=90), make_spec(frames=FRAMES, priority=7)
    early, late = "20260101T000000.000000Z", "20260102T000000.000000Z"
    markers = [queue_marker(urgent, late), queue_marker(usual, early), queue_marker(usual, late)]
    assert markers == sorted(markers)
    assert {job_of_marker(check_key(marker)) for marker in markers} == {urgent.job}


@pytest.mark.parametrize("name", ["ma plate (1).mov", "..", "été.mp4", ".hidden", "", "x" * 400])
def test_any_file_name_can_be_made_part_of_a_key(name: str) -> None:
    check_key(f"plates/{key_part(name)}")


def test_a_subjects_version_is_its_content() -> None:
    renamed = SubjectRef(name="other", files=SUBJECT.files)
    assert renamed.version == SUBJECT.version
    assert SubjectRef(name="tiny", files=()).version != SUBJECT.version
