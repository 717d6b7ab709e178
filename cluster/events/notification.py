"""Reads what object stores say when an object arrives: S3 itself, MinIO, Ceph, EventBridge, SNS.

Pure: it does not know queues or rules. The record format is S3's event message structure; MinIO and
Ceph send the same. EventBridge sends one object a message, its key not URL-encoded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

import msgspec

from bodyswap.errors import UsageError
from cluster.stores.record import content_hash

MOST_BODY_BYTES = 1 << 20
"""What a queue's message may be at most; a longer body is no notification."""

_ID_LENGTH = 24


class NotificationError(UsageError):
    """The body is no notification of an object's arrival."""


@dataclass(frozen=True, kw_only=True)
class PlacedObject:
    """One version of an object: where it was put, and the hash that the store gave its content."""

    bucket: str
    key: str
    etag: str

    @property
    def id(self) -> str:
        """The same for every notice of the same version, however it was heard of."""
        return content_hash([self.bucket, self.key, self.etag])[:_ID_LENGTH]

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read_notification(body: bytes | str) -> tuple[PlacedObject, ...]:
    """The objects that a message tells of; none for a test event, or where objects only went.

    Raises:
        NotificationError: the body is nothing that a store sends.
    """
    data = body.encode() if isinstance(body, str) else body
    if len(data) > MOST_BODY_BYTES:
        raise NotificationError(f"a message of {len(data)} bytes is no notification; refused")
    message = _mapping(_decoded(data), "the message")
    if isinstance(message.get("Message"), str):
        return read_notification(str(message["Message"]))
    if "detail" in message:
        return tuple(_from_event_bridge(message))
    if message.get("Event") == "s3:TestEvent":
        return ()
    records = message.get("Records")
    if not isinstance(records, list):
        raise NotificationError(
            "the message has neither Records nor a detail; it is of another kind"
        )
    return tuple(placed for record in records for placed in _from_record(record))


def _from_record(record: object) -> Iterator[PlacedObject]:
    fields = _mapping(record, "a record")
    if not _is_creation(_text(fields, "eventName")):
        return
    told = _mapping(fields.get("s3"), "s3")
    item = _mapping(told.get("object"), "object")
    yield PlacedObject(
        bucket=_text(_mapping(told.get("bucket"), "bucket"), "name"),
        key=unquote_plus(_text(item, "key")),
        etag=_etag(item, "eTag"),
    )


def _from_event_bridge(message: Mapping[str, object]) -> Iterator[PlacedObject]:
    if message.get("detail-type") != "Object Created":
        return
    detail = _mapping(message["detail"], "detail")
    item = _mapping(detail.get("object"), "object")
    yield PlacedObject(
        bucket=_text(_mapping(detail.get("bucket"), "bucket"), "name"),
        key=_text(item, "key"),
        etag=_etag(item, "etag"),
    )


def _is_creation(event_name: str) -> bool:
    return event_name.removeprefix("s3:").startswith("ObjectCreated:")


def _etag(item: Mapping[str, object], name: str) -> str:
    """The entity tag without quotes, as listings are compared by too."""
    return _text(item, name).strip('"')


def _decoded(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotificationError(f"the message is not JSON: {error}") from error


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise NotificationError(f"{name} is {_brief(value)}, not an object with fields")
    return value


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise NotificationError(f"'{name}' is {_brief(value)}, not a text")
    return value


def _brief(value: object) -> str:
    return "missing" if value is None else repr(value)[:60]
