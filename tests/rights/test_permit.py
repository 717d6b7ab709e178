"""The one decision: each cause of refusal, one second or one letter from a permit."""

import dataclasses

import msgspec
import pytest

from bodyswap.rights.consent import Signer
from bodyswap.rights.permit import Act, Deed, permits, permitting
from bodyswap.rights.refusal import Refusal, RefusedError
from bodyswap.rights.revocations import LONGEST_LIFE_S, Revocations
from bodyswap.rights.trust import Capacity
from tests.rights.papers import (
    DAY_S,
    FRESH,
    MARA,
    NOW_S,
    RENDER,
    TRAIN,
    record,
    revoking,
)

SKEW_S = 60


def _refusal(
    act: Act = RENDER,
    now_s: float = NOW_S,
    revocations: Revocations | None = FRESH,
    **changes: object,
) -> Refusal | None:
    try:
        permits(record(**changes), act, now_s, revocations)
    except RefusedError as error:
        assert error.consent == record(**changes).id or "revocation list" in str(error)
        return error.refusal
    return None


def _act(act: Act = RENDER, **changes: str | tuple[str, ...]) -> Act:
    return dataclasses.replace(act, **changes)  # type: ignore[arg-type]


def test_what_was_agreed_is_permitted_at_every_door() -> None:
    for deed in Deed:
        act = TRAIN if deed is Deed.TRAIN else dataclasses.replace(RENDER, deed=deed)
        permits(record(), act, NOW_S, FRESH)


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (_act(subject="nora"), Refusal.WRONG_SUBJECT),
        (_act(production="daybreak"), Refusal.WRONG_PRODUCTION),
        (_act(production="Nightfall"), Refusal.WRONG_PRODUCTION),
        (_act(shot="sc011_0040"), Refusal.WRONG_SHOT),
        (_act(use="advert"), Refusal.WRONG_USE),
        (_act(checkpoint="d" * 64), Refusal.WRONG_CHECKPOINT),
        (_act(checkpoint=""), Refusal.WRONG_CHECKPOINT),
        (_act(TRAIN, footage=("e" * 64,)), Refusal.WRONG_FOOTAGE),
        (_act(TRAIN, production="daybreak"), Refusal.WRONG_PRODUCTION),
    ],
)
def test_another_deed_than_was_agreed_is_refused(act: Act, refusal: Refusal) -> None:
    assert _refusal(act) is refusal


def test_rendering_may_be_allowed_where_training_is_not() -> None:
    assert _refusal(TRAIN, training=False) is Refusal.NO_TRAINING
    assert _refusal(RENDER, training=False) is None
    assert _refusal(RENDER, checkpoints=()) is Refusal.WRONG_CHECKPOINT


def test_a_star_means_any() -> None:
    anything = {"productions": ("*",), "shots": ("*",), "uses": ("*",), "checkpoints": ("*",)}
    act = _act(production="daybreak", shot="", use="advert", checkpoint="d" * 64)
    assert _refusal(act, **anything) is None


@pytest.mark.parametrize(
    ("now_s", "refusal"),
    [
        (NOW_S - DAY_S - SKEW_S - 1, Refusal.CLOCK),
        (NOW_S - DAY_S - SKEW_S, None),
        (NOW_S + DAY_S + SKEW_S - 1, None),
        (NOW_S + DAY_S + SKEW_S, Refusal.EXPIRED),
    ],
)
def test_a_consent_holds_from_its_first_to_its_last_second_give_or_take_a_minute(
    now_s: float, refusal: Refusal | None
) -> None:
    fresh = Revocations(number=0, issued=int(now_s), expires=int(now_s) + 60)
    assert _refusal(now_s=now_s, revocations=fresh) is refusal


def test_a_consent_for_later_is_told_from_one_out_of_the_future() -> None:
    begins = NOW_S + SKEW_S
    assert _refusal(not_before=begins) is None
    assert _refusal(not_before=begins + 1) is Refusal.NOT_YET_VALID
    assert _refusal(not_before=begins, issued=begins + 1) is Refusal.CLOCK


def test_after_the_day_of_deletion_nothing_is_rendered() -> None:
    assert _refusal(delete_by=NOW_S - SKEW_S + 1) is None
    assert _refusal(delete_by=NOW_S - SKEW_S) is Refusal.DELETION_DUE


def test_a_revoked_consent_is_refused_with_the_reason() -> None:
    consent = record()
    with pytest.raises(RefusedError, match=r"was revoked on 2027-01-15 .*: she said so"):
        permits(consent, RENDER, NOW_S, revoking(consent))
    assert _refusal(revocations=revoking(record(contact="somebody else"))) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"expires": NOW_S - SKEW_S + 1}, None),
        ({"expires": NOW_S - SKEW_S}, Refusal.STALE_REVOCATIONS),
        ({"issued": NOW_S + SKEW_S}, None),
        ({"issued": NOW_S + SKEW_S + 1}, Refusal.CLOCK),
        (
            {"issued": NOW_S - LONGEST_LIFE_S - SKEW_S, "expires": NOW_S + DAY_S},
            Refusal.STALE_REVOCATIONS,
        ),
    ],
)
def test_a_stale_revocation_list_closes_the_farm(
    changes: dict[str, int], refusal: Refusal | None
) -> None:
    assert _refusal(revocations=msgspec.structs.replace(FRESH, **changes)) is refusal


def test_without_a_revocation_list_only_the_synthetic_are_rendered() -> None:
    assert _refusal(revocations=None) is Refusal.STALE_REVOCATIONS
    drawn = (Signer(name="the stage", capacity=Capacity.SYNTHETIC, key=MARA.public),)
    with pytest.raises(RefusedError, match="whom it does not name"):
        record(signers=drawn)


def test_of_several_consents_one_is_enough_and_the_nearest_tells_what_is_missing() -> None:
    old, other = record(expires=NOW_S - DAY_S // 2), record(productions=("daybreak",))
    good = record()
    assert permitting([old, other, good], RENDER, NOW_S, FRESH) == good
    with pytest.raises(RefusedError, match="expired on") as refused:
        permitting([old, other], RENDER, NOW_S, FRESH)
    assert refused.value.consent == old.id
    with pytest.raises(RefusedError) as refused:
        permitting([], RENDER, NOW_S, FRESH)
    assert refused.value.refusal is Refusal.MISSING
