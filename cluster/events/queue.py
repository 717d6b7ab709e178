"""Messages in and out of SQS, and out to SNS, or to a server that speaks them.

It does not know what a message says. A message that is taken and not removed comes back after the
queue's visibility timeout, and after the queue's own count of tries goes to its dead-letter queue.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bodyswap.errors import StoreError

LONGEST_WAIT_S = 20
"""How long SQS lets a poll wait."""

_MOST_AT_ONCE = 10
_MOST_REASON = 1000
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, read_timeout=LONGEST_WAIT_S + 20)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as it was taken; `receipt` is what removes it."""

    body: str
    receipt: str


class Queue:
    """One queue, by its URL. Each method raises StoreError where the queue fails."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=_CONFIG)

    def take(self, wait_s: int) -> list[Message]:
        """Up to ten messages, or none where none came within `wait_s`, at most 20 seconds."""
        with _mapped_errors("take from", self._url):
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_MOST_AT_ONCE, WaitTimeSeconds=wait_s
            )
        return [
            Message(body=message["Body"], receipt=message["ReceiptHandle"])
            for message in answer.get("Messages", [])
        ]

    def remove(self, message: Message) -> None:
        with _mapped_errors("remove from", self._url):
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def depth(self) -> int:
        """About how many messages lie in it, taken ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with _mapped_errors("look into", self._url):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(answer.get("Attributes", {}).get(name, 0)) for name in names)

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Put a message in, with attributes that can be read without reading it."""
        told = _attributes(attributes)
        with _mapped_errors("send to", self._url):
            self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=told)


class Topic:
    """An SNS topic, by its ARN: whoever subscribed hears of each message."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = boto3.client("sns", config=_CONFIG)

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        told = _attributes(attributes)
        with _mapped_errors("send to", self._arn):
            self._client.publish(TopicArn=self._arn, Message=body, MessageAttributes=told)


def _attributes(attributes: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": "String", "StringValue": text[:_MOST_REASON]}
        for name, text in attributes.items()
    }


@contextmanager
def _mapped_errors(verb: str, url: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreError(f"cannot {verb} the queue '{url}': {error}") from error
