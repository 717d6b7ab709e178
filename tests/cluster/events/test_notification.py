"""Notices of every kind of store are read alike; anything else is refused by name."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.events.notification import (
    MOST_BODY_BYTES,
    NotificationError,
    PlacedObject,
    read_notification,
)

RECORD = {
    "eventName": "ObjectCreated:CompleteMultipartUpload",
    "s3": {
        "bucket": {"name": "plates"},
        "object": {"key": "in/a+b%2Bc/%C3%A4.mov", "size": 7, "eTag": "d41d8-3", "sequencer": "0A"},
    },
}
PLACED = PlacedObject(bucket="plates", key="in/a b+c/ä.mov", etag="d41d8-3")


def _body(*records: object) -> str:
    return json.dumps({"Records": records})


def test_a_key_arrives_as_it_was_given() -> None:
    assert read_notification(_body(RECORD)) == (PLACED,)


def test_one_message_may_tell_of_many_objects_and_of_removed_ones() -> None:
    gone = RECORD | {"eventName": "ObjectRemoved:Delete"}
    minio = RECORD | {"eventName": "s3:ObjectCreated:Put"}
    assert read_notification(_body(RECORD, gone, minio)) == (PLACED, PLACED)


def test_a_topic_in_between_changes_nothing() -> None:
    wrapped = json.dumps({"Type": "Notification", "Message": _body(RECORD)})
    assert read_notification(wrapped.encode()) == (PLACED,)


def test_event_bridge_sends_keys_plain() -> None:
    detail = {"bucket": {"name": "plates"}, "object": {"key": "in/a+b.mov", "etag": '"d4"'}}
    body = json.dumps({"detail-type": "Object Created", "detail": detail})
    assert read_notification(body) == (PlacedObject(bucket="plates", key="in/a+b.mov", etag="d4"),)
    assert read_notification(body.replace("Created", "Deleted")) == ()


def test_the_store_trying_the_queue_is_no_arrival() -> None:
    assert read_notification(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "not JSON"),
        ("[1]", "the message is"),
        ("{}", "neither Records nor a detail"),
        (_body(3), "a record is 3"),
        (_body({"eventName": 5}), "'eventName' is 5"),
        (_body(RECORD | {"s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}), "'eTag' is m"),
        (_body(RECORD | {"s3": {"object": {"key": "k", "eTag": "e"}}}), "bucket is missing"),
        ('{"Message": "hello"}', "not JSON"),
        ("x" * (MOST_BODY_BYTES + 1), "bytes is no notification"),
    ],
)  # fmt: skip
def test_what_is_no_notification_is_refused_with_what_is_wrong(body: str, message: str) -> None:
    with pytest.raises(NotificationError, match=message):
        read_notification(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_at_all_crash_the_reader(body: bytes) -> None:
    with contextlib.suppress(NotificationError):
        read_notification(body)


def test_two_versions_of_one_object_are_two_arrivals() -> None:
    newer = PlacedObject(bucket=PLACED.bucket, key=PLACED.key, etag="other")
    again = PlacedObject(bucket=PLACED.bucket, key=PLACED.key, etag=PLACED.etag)
    assert newer.id != PLACED.id == again.id
