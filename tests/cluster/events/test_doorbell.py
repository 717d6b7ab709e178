"""Stores that push their notices are let in by a token, and told to try again where it matters."""

from collections.abc import Callable

import httpx
import pytest

from bodyswap.errors import StoreError, UsageError
from cluster.events.doorbell import Hear, open_doorbell, split_address
from cluster.events.notification import MOST_BODY_BYTES, PlacedObject
from tests.cluster.events.test_notification import PLACED, RECORD

TOKEN = "a secret"
LET_IN = {"Authorization": f"Bearer {TOKEN}"}
Post = Callable[..., httpx.Response]


def _post(hear: Hear, headers: dict[str, str], content: bytes) -> httpx.Response:
    with open_doorbell(hear, "127.0.0.1:0", TOKEN) as port:
        return httpx.post(f"http://127.0.0.1:{port}/events", headers=headers, content=content)


def _notice() -> bytes:
    return httpx.Request("POST", "http://x", json={"Records": [RECORD]}).content


def test_a_pushed_notice_is_heard_before_it_is_answered() -> None:
    heard: list[PlacedObject] = []

    def hear(placed: PlacedObject) -> bool:
        heard.append(placed)
        return True

    answer = _post(hear, LET_IN, _notice())
    assert answer.status_code == 200 and answer.json() == {"heard": 1, "new": 1}
    assert heard == [PLACED]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}])
def test_who_has_not_the_token_is_not_let_in(headers: dict[str, str]) -> None:
    def hear(placed: PlacedObject) -> bool:
        raise AssertionError("heard without a token")

    assert _post(hear, headers, _notice()).status_code == 401


@pytest.mark.parametrize("body", [b"hello", b"x" * (MOST_BODY_BYTES + 1)])
def test_what_is_no_notification_is_a_bad_request(body: bytes) -> None:
    answer = _post(lambda placed: True, LET_IN, body)
    assert answer.status_code == 400 and "no" in answer.json()["error"]


def test_a_failing_store_asks_the_sender_to_try_again() -> None:
    def hear(placed: PlacedObject) -> bool:
        raise StoreError("cannot write 'inbox'")

    answer = _post(hear, LET_IN, _notice())
    assert answer.status_code == 503 and "cannot write" in answer.json()["error"]


def test_beyond_this_machine_a_token_is_asked_for() -> None:
    with (
        pytest.raises(UsageError, match="BODYSWAP_EVENT_TOKEN"),
        open_doorbell(lambda placed: True, "0.0.0.0:0", ""),
    ):
        pass


@pytest.mark.parametrize("address", ["8780", ":8780", "host:", "host:x", "host:70000"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="host:port"):
        split_address(address)
