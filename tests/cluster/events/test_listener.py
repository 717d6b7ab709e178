"""A plate dropped into a bucket becomes one job and one shot, whatever the messages do."""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import boto3
import pytest
from real_servers import BUCKET
from tiny_farm import TinyFarm
from tiny_pipeline import expected_shot, read_shot, write_plate, write_subject

from bodyswap.errors import StoreError
from bodyswap.timing import FrameRange
from cluster.events.bucket import Buckets
from cluster.events.inbox import Arrival, Inbox
from cluster.events.listener import Listener
from cluster.events.notification import PlacedObject
from cluster.events.queue import Queue
from cluster.events.rules import ListenConfig, Rule
from cluster.events.serving import serve
from cluster.stores.opening import open_store

FRAMES = 12


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A plate bucket, a queue, a store, and a farm on it; of its own for each test."""

    farm: TinyFarm
    folder: Path
    prefix: str
    queue_url: str
    dead_url: str
    answers_url: str

    def listener(self) -> Listener:
        rule = Rule(
            name="stunts", bucket=BUCKET, prefix=f"{self.prefix}/in/", suffix=".mov",
            pattern=r".*/in/(?P<shot>.+)\.mov", subject=str(self.folder / "subject"),
            settings={"mode": "exact"}, project="{shot}",
            deliver_to=f"s3://{BUCKET}/{self.prefix}/shots/{{shot}}/",
        )  # fmt: skip
        return Listener(
            ListenConfig(rules=[rule]), self.farm.client, Inbox(self.farm.store), Buckets(),
            dead_letters=Queue(self.dead_url), answers=[Queue(self.answers_url)],
        )  # fmt: skip

    def drop(self, shot: str, frames: int = FRAMES) -> PlacedObject:
        """Put a plate into the bucket, as a pipeline would."""
        key = f"{self.prefix}/in/{shot}.mov"
        data = write_plate(self.folder / "plate.txt", frames).read_bytes()
        answer = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)
        return PlacedObject(bucket=BUCKET, key=key, etag=answer["ETag"].strip('"'))

    def tell(self, placed: PlacedObject, times: int = 1) -> None:
        """Send the store's notice of it."""
        told = {"bucket": {"name": placed.bucket}}
        item = {"key": quote_plus(placed.key), "eTag": placed.etag}
        record = {"eventName": "ObjectCreated:Put", "s3": told | {"object": item}}
        for _ in range(times):
            self.send(json.dumps({"Records": [record]}))

    def send(self, body: str) -> None:
        boto3.client("sqs").send_message(QueueUrl=self.queue_url, MessageBody=body)

    def take_all(self, listener: Listener) -> None:
        while self.waiting(self.queue_url):
            listener.take(Queue(self.queue_url), 0)

    def waiting(self, url: str) -> int:
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=asked)
        return sum(int(answer["Attributes"][name]) for name in asked)

    def jobs(self) -> list[str]:
        return [status.job for status in self.farm.client.list_jobs()]

    def answers(self) -> list[dict[str, object]]:
        return [json.loads(message.body) for message in Queue(self.answers_url).take(0)]

    def shot_at(self, key: str) -> list[tuple[int, int, float]]:
        path = self.folder / "delivered"
        boto3.client("s3").download_file(BUCKET, f"{self.prefix}/shots/{key}", str(path))
        return read_shot(path)


@pytest.fixture
def pipeline(s3_server: str, sqs_server: str, tmp_path: Path) -> Iterator[Pipeline]:
    name = uuid.uuid4().hex
    urls = [
        boto3.client("sqs").create_queue(QueueName=f"{name}-{kind}")["QueueUrl"]
        for kind in ("plates", "dead", "answers")
    ]
    write_subject(tmp_path / "subject")
    store = open_store(f"{s3_server}/{name}/store")
    yield Pipeline(
        farm=TinyFarm(folder=tmp_path, store=store), folder=tmp_path, prefix=name,
        queue_url=urls[0], dead_url=urls[1], answers_url=urls[2],
    )  # fmt: skip


def test_a_plate_in_the_bucket_becomes_a_shot_in_the_bucket(pipeline: Pipeline) -> None:
    placed = pipeline.drop("dune/s 10+ä")
    pipeline.tell(placed)
    listener = pipeline.listener()
    pipeline.take_all(listener)
    listener.answer_all()
    (job,) = pipeline.jobs()
    assert pipeline.answers() == []
    pipeline.farm.run_inline(job)
    listener.answer_all()

    plate = pipeline.folder / "plate.txt"
    assert pipeline.shot_at("dune/s 10+ä/shot.mp4") == expected_shot(
        plate, FrameRange(start=0, stop=FRAMES)
    )
    (answer,) = pipeline.answers()
    assert (answer["state"], answer["job"], answer["id"]) == ("published", job, placed.id)
    assert f"s3://{BUCKET}/{pipeline.prefix}/shots/dune/s 10+ä/manifest.json" in str(answer)
    assert Inbox(pipeline.farm.store).pending() == []


def test_fifty_notices_shuffled_among_two_listeners_are_one_job(pipeline: Pipeline) -> None:
    placed = [pipeline.drop(shot, frames) for shot, frames in (("a", 8), ("b", 9))]
    every = placed * 25
    random.Random(4).shuffle(every)
    for one in every:
        pipeline.tell(one)
    listeners = [pipeline.listener(), pipeline.listener()]
    while pipeline.waiting(pipeline.queue_url):
        for listener in listeners:
            listener.take(Queue(pipeline.queue_url), 0)
    for listener in listeners:
        listener.answer_all()
    assert len(pipeline.jobs()) == 2
    assert sum(listener.counts.heard for listener in listeners) == 2
    assert sum(listener.counts.known for listener in listeners) == 48
    for job in pipeline.jobs():
        pipeline.farm.run_inline(job)
    for listener in listeners:
        listener.answer_all()
    assert sorted(str(answer["id"]) for answer in pipeline.answers()) == sorted(
        one.id for one in placed
    )


class Killed(BaseException):
    """Ends a listener where a signal would."""


class DyingInbox(Inbox):
    """An inbox whose listener dies just before one of its writes."""

    def __init__(self, pipeline: Pipeline, at: str) -> None:
        super().__init__(pipeline.farm.store)
        self._at = at

    def record(self, arrival: Arrival) -> bool:
        self._die("record")
        return super().record(arrival)

    def keep_job(self, arrival: Arrival, job: str) -> None:
        self._die("keep_job")
        super().keep_job(arrival, job)

    def close(self, arrival: Arrival) -> None:
        self._die("close")
        super().close(arrival)

    def _die(self, at: str) -> None:
        if at == self._at:
            raise Killed


@pytest.mark.parametrize("at", ["record", "keep_job", "close"])
def test_a_listener_killed_at_any_step_loses_nothing(pipeline: Pipeline, at: str) -> None:
    boto3.client("sqs").set_queue_attributes(
        QueueUrl=pipeline.queue_url, Attributes={"VisibilityTimeout": "0"}
    )
    pipeline.tell(pipeline.drop("a"))
    dying = pipeline.listener()
    dying._inbox = DyingInbox(pipeline, at)
    with pytest.raises(Killed):
        for _ in range(2):
            pipeline.take_all(dying)
            dying.answer_all()
            for job in pipeline.jobs():
                pipeline.farm.run_inline(job)
    after = pipeline.listener()
    for _ in range(2):
        pipeline.take_all(after)
        after.answer_all()
        for job in pipeline.jobs():
            pipeline.farm.run_inline(job)
    after.answer_all()
    assert len(pipeline.jobs()) == 1
    assert {answer["state"] for answer in pipeline.answers()} == {"published"}
    assert Inbox(pipeline.farm.store).pending() == [] and not pipeline.waiting(pipeline.queue_url)


def test_a_plate_that_no_message_told_of_is_found_by_looking(pipeline: Pipeline) -> None:
    told = pipeline.drop("told")
    lost = pipeline.drop("lost", 9)
    pipeline.tell(told)
    listener = pipeline.listener()
    pipeline.take_all(listener)
    assert listener.sweep() == 1 and listener.sweep() == 0
    listener.answer_all()
    pipeline.tell(lost)
    pipeline.take_all(listener)
    listener.answer_all()
    assert len(pipeline.jobs()) == 2 and listener.counts.found_by_sweep == 1


def test_poison_goes_to_the_dead_letters_with_its_reason(pipeline: Pipeline) -> None:
    pipeline.send("not json")
    pipeline.send('{"Event": "s3:TestEvent"}')
    pipeline.take_all(pipeline.listener())
    answer = boto3.client("sqs").receive_message(
        QueueUrl=pipeline.dead_url, MessageAttributeNames=["All"]
    )
    (dead,) = answer["Messages"]
    assert dead["Body"] == "not json"
    assert "not JSON" in dead["MessageAttributes"]["reason"]["StringValue"]
    assert pipeline.waiting(pipeline.queue_url) == 0


def test_an_older_notice_that_comes_late_makes_no_job_of_the_older_plate(
    pipeline: Pipeline,
) -> None:
    older = pipeline.drop("a", 8)
    newer = pipeline.drop("a", 9)
    for placed in (newer, older):
        pipeline.tell(placed)
    listener = pipeline.listener()
    pipeline.take_all(listener)
    listener.answer_all()
    assert len(pipeline.jobs()) == 1
    (answer,) = pipeline.answers()
    assert (answer["state"], answer["id"]) == ("superseded", older.id)


def test_a_plate_that_cannot_be_used_is_refused_in_words(pipeline: Pipeline) -> None:
    key = f"{pipeline.prefix}/in/bad.mov"
    etag = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"no video")["ETag"]
    pipeline.tell(PlacedObject(bucket=BUCKET, key=key, etag=etag.strip('"')))
    listener = pipeline.listener()
    pipeline.take_all(listener)
    listener.answer_all()
    (answer,) = pipeline.answers()
    assert answer["state"] == "refused" and "is not a video" in str(answer["message"])


def test_a_sidecar_changes_the_job_and_an_unknown_word_in_it_refuses_it(
    pipeline: Pipeline,
) -> None:
    beside = f"{pipeline.prefix}/in/shot.yaml"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=beside, Body=b"frames: 1001-1003\n")
    listener = pipeline.listener()
    pipeline.tell(pipeline.drop("part"))
    pipeline.take_all(listener)
    listener.answer_all()
    (job,) = pipeline.jobs()
    pipeline.farm.run_inline(job)
    assert len(pipeline.farm.fetched_shot(job)) == 3
    boto3.client("s3").put_object(Bucket=BUCKET, Key=beside, Body=b"frmaes: 1001-1003\n")
    pipeline.tell(pipeline.drop("other", 9))
    pipeline.take_all(listener)
    listener.answer_all()
    told = {str(answer["state"]): str(answer["message"]) for answer in pipeline.answers()}
    assert "frmaes" in told["refused"] and "published" in told


def test_a_new_plate_of_the_same_name_does_not_overwrite_the_delivered_shot(
    pipeline: Pipeline,
) -> None:
    listener = pipeline.listener()
    delivered: list[str] = []
    for frames in (8, 9):
        pipeline.tell(pipeline.drop("a", frames))
        pipeline.take_all(listener)
        listener.answer_all()
        (job,) = set(pipeline.jobs()) - set(delivered)
        pipeline.farm.run_inline(job)
        listener.answer_all()
        delivered.append(job)
    assert len(pipeline.shot_at("a/shot.mp4")) == 8
    assert len(pipeline.shot_at(f"a/{delivered[1]}/shot.mp4")) == 9


def test_an_arrival_that_cannot_be_answered_keeps_no_other_waiting(pipeline: Pipeline) -> None:
    listener = pipeline.listener()
    for shot in ("a", "b", "c"):
        pipeline.tell(pipeline.drop(shot))
    pipeline.take_all(listener)
    listener.answer_all()
    for job in pipeline.jobs():
        pipeline.farm.run_inline(job)
    out = [key for key in pipeline.farm.store.list_keys("") if key.endswith("out/manifest.json")]
    # One was put under quarantine after it was published, of another a deliverable was damaged.
    pipeline.farm.store.delete(out[0])
    pipeline.farm.store.put(out[1], b"not a manifest")
    listener.answer_all()
    states = sorted(str(answer["state"]) for answer in pipeline.answers())
    assert states == ["published", "refused"]
    assert listener.counts.answered == 2


def test_listening_goes_on_after_the_queue_failed(pipeline: Pipeline) -> None:
    troubles: list[StoreError] = []
    absent = Queue(pipeline.queue_url + "-absent")
    serve(
        pipeline.listener(), absent, sweep_every_s=9, wait_s=0,
        is_over=lambda: len(troubles) == 2, on_round=lambda counts: None,
        on_trouble=troubles.append,
    )  # fmt: skip
    assert "cannot take from the queue" in str(troubles[0])
