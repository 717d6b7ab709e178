"""A folder of frames becomes one job when all of it is there, however its notices come."""

import json
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import cv2
import numpy as np
import pytest
from real_servers import BUCKET

from bodyswap.media.index import index_clip
from cluster.asking.submit import JobRequest
from cluster.client import Client
from cluster.events.bucket import Buckets
from cluster.events.inbox import Inbox
from cluster.events.listener import Listener
from cluster.events.notification import PlacedObject
from cluster.events.queue import Queue, Topic
from cluster.events.rules import ListenConfig, Rule, SequenceRule
from cluster.stores.opening import open_store
from cluster.stores.store import Store

LATER_S = 1e6


class Noting(Client):
    """A client that notes what it is asked to submit, and how many frames that is."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.plates: list[tuple[int, str]] = []

    def submit(self, request: JobRequest) -> str:
        clip = index_clip(request.plate)
        self.plates.append((len(clip), request.project))
        return f"job-{len(self.plates)}"


class Later(Buckets):
    """Buckets whose clock is as much later as the test says."""

    def __init__(self, turnover: "Turnover") -> None:
        super().__init__()
        self._turnover = turnover

    def now_s(self, bucket: str) -> float:
        now_s = super().now_s(bucket)
        assert abs(now_s - time.time()) < 60  # the server's, which is on this machine
        return now_s + self._turnover.late_s


@dataclass
class Turnover:
    """A bucket into which frames come, and a bucket whose clock is the test's."""

    store: Store
    prefix: str
    client: Noting
    folder: Path
    late_s: float = 0.0
    told: list[PlacedObject] = field(default_factory=list)

    def listener(self, sequence: SequenceRule) -> Listener:
        rule = Rule(
            name="frames", bucket=BUCKET, prefix=f"{self.prefix}/in/", suffix=".png",
            pattern=r".*/in/(?P<shot>\w+)/[^/]+", subject="vega", project="{shot}",
            sequence=sequence,
        )  # fmt: skip
        return Listener(
            ListenConfig(rules=[rule]),
            self.client,
            Inbox(self.store),
            Later(self),
            # Days ahead: what is whole is told by the bucket's own clock.
            clock=lambda: time.time() + LATER_S,
        )

    def put(self, shot: str, *numbers: int, shade: int = 0) -> None:
        for number in numbers:
            path = self.folder / "frame.png"
            cv2.imwrite(str(path), np.full((16, 16, 3), number % 200 + shade, np.uint8))
            key = f"{self.prefix}/in/{shot}/plate.{number:04d}.png"
            etag = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
            self.told.append(PlacedObject(bucket=BUCKET, key=key, etag=etag["ETag"].strip('"')))

    def mark(self, shot: str, name: str) -> None:
        boto3.client("s3").put_object(
            Bucket=BUCKET, Key=f"{self.prefix}/in/{shot}/{name}", Body=b""
        )


@pytest.fixture
def turnover(s3_server: str, tmp_path: Path) -> Turnover:
    prefix = uuid.uuid4().hex
    store = open_store(f"{s3_server}/{prefix}/store")
    return Turnover(store=store, prefix=prefix, client=Noting(store), folder=tmp_path)


def _round(listener: Listener) -> None:
    listener.gather()
    for arrival in listener._inbox.pending():
        if listener._inbox.job_of(arrival) is None:
            listener._progress(arrival)


def test_a_marker_says_that_the_frames_are_all_there(turnover: Turnover) -> None:
    listener = turnover.listener(SequenceRule(marker="READY"))
    turnover.put("s10", 1001, 1002)
    for placed in turnover.told:
        listener.hear(placed)
    turnover.late_s = LATER_S
    _round(listener)
    assert turnover.client.plates == []
    turnover.put("s10", 1003)
    turnover.mark("s10", "READY")
    for placed in random.Random(1).sample(turnover.told * 20, 60):
        listener.hear(placed)
    for _ in range(3):
        _round(listener)
    assert turnover.client.plates == [(3, "s10")]


def test_quiet_time_says_it_and_a_late_frame_makes_a_new_version(turnover: Turnover) -> None:
    listeners = [turnover.listener(SequenceRule(quiet_s=60)) for _ in range(2)]
    turnover.put("s10", 1001, 1002)
    turnover.put("s20", 1001)
    for placed in turnover.told:
        for listener in listeners:
            listener.hear(placed)
    turnover.late_s = 30
    _round(listeners[0])
    assert turnover.client.plates == []
    turnover.late_s = LATER_S
    for listener in listeners * 2:
        _round(listener)
    assert sorted(turnover.client.plates) == [(1, "s20"), (2, "s10")]
    turnover.told.clear()
    turnover.put("s10", 1003)
    listeners[0].hear(turnover.told[0])
    for listener in listeners:
        _round(listener)
    assert sorted(turnover.client.plates) == [(1, "s20"), (2, "s10"), (3, "s10")]


def test_frames_that_nobody_told_of_are_found_by_the_sweep(turnover: Turnover) -> None:
    listener = turnover.listener(SequenceRule(quiet_s=60))
    turnover.put("s10", 1001, 1002)
    turnover.late_s = LATER_S
    assert listener.sweep() == 1
    _round(listener)
    assert turnover.client.plates == [(2, "s10")]
    assert listener.sweep() == 0, "a folder that is known as it is"


def test_a_folder_of_two_sequences_is_refused_in_words(turnover: Turnover) -> None:
    listener = turnover.listener(SequenceRule(quiet_s=0))
    turnover.put("s10", 1001)
    key = f"{turnover.prefix}/in/s10/other.1001.png"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")
    listener.hear(turnover.told[0])
    turnover.late_s = LATER_S
    listener.gather()
    (arrival,) = listener._inbox.pending()
    answer = listener._progress(arrival)
    assert answer is not None and "more than one numbered sequence" in answer.message


def test_an_answer_is_published_on_a_topic_too(turnover: Turnover, sqs_server: str) -> None:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name=f"t-{turnover.prefix}")["TopicArn"]
    heard = sqs.create_queue(QueueName=f"h-{turnover.prefix}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    Topic(topic).send('{"state": "published"}', {"id": "x"})
    (message,) = Queue(heard).take(0)
    assert json.loads(json.loads(message.body)["Message"]) == {"state": "published"}


def test_of_two_who_deliver_at_once_one_wins_and_the_other_finds_what_lies_there(
    s3_server: str, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.mov", tmp_path / "other.mov"
    one.write_bytes(b"one" * 1000)
    other.write_bytes(b"other" * 1000)
    for round_number in range(4):
        key = f"{uuid.uuid4().hex}/shot.mov"
        # All look before any of them has put anything.
        looked = threading.Barrier(4)

        def deliver(path: Path, key: str = key, looked: threading.Barrier = looked) -> bool:
            buckets = LookingTogether(looked)
            return buckets.deliver(path, BUCKET, key, sha256=path.name)

        with ThreadPoolExecutor(4) as crew:
            came = list(crew.map(deliver, (one, other, one, other)))
        body = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        winner = one if body == one.read_bytes() else other
        assert body == winner.read_bytes(), round_number
        assert came == [path == winner for path in (one, other, one, other)]


class LookingTogether(Buckets):
    """Buckets that put nothing until all have looked, and found nothing there."""

    def __init__(self, looked: threading.Barrier) -> None:
        super().__init__()
        self._looked: threading.Barrier | None = looked

    def _put_new(self, path: Path, bucket: str, key: str, sha256: str) -> None:
        if self._looked is not None:
            self._looked, looked = None, self._looked
            looked.wait(timeout=30)
        super()._put_new(path, bucket, key, sha256)
