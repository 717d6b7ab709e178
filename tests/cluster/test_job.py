import dataclasses

import pytest
from specs import SUBJECT, make_spec

from bodyswap.config import Mode
from bodyswap.errors import IntegrityError, UsageError
from bodyswap.timing import FrameRange
from cluster.job import JobSpec, JobState, SubjectFile, SubjectRef
from cluster.keys import job_of_marker, key_part, queue_marker
from cluster.record import from_yaml, to_yaml
from cluster.store import check_key

FRAMES = FrameRange(start=0, stop=100)
SPEC = make_spec(frames=FRAMES)


def test_the_same_request_is_the_same_job_whoever_asks_and_when() -> None:
    later = dataclasses.replace(
        SPEC, submitted_at="20270101T000000.000000Z", submitted_by="kim", project="x", priority=9
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
    ],
)
def test_whatever_changes_the_picture_changes_the_job(other: JobSpec) -> None:
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


def test_final_states_stay_except_that_a_failed_job_may_be_submitted_again() -> None:
    for later in JobState:
        assert not JobState.PUBLISHED.may_become(later)
        assert JobState.FAILED.may_become(later) == (later is JobState.SUBMITTED)


def test_states_never_go_back() -> None:
    states = [state for state in JobState if not state.is_final]
    for before in states:
        for later in states:
            assert before.may_become(later) == (states.index(later) > states.index(before))
        assert before.may_become(JobState.FAILED) and before.may_become(JobState.PUBLISHED)


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
