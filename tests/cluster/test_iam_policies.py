"""Each role's policy lets it do its work, and no other role's, on a server that enforces them."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import quote_plus

import boto3
import pytest
from real_servers import run_aws
from tiny_farm import TinyFarm
from tiny_pipeline import write_plate, write_subject

from bodyswap.errors import StoreError
from cluster.events.bucket import Buckets
from cluster.events.inbox import Inbox
from cluster.events.listener import Listener
from cluster.events.queue import Queue
from cluster.events.rules import ListenConfig, Rule
from cluster.jobs.job import JobState
from cluster.stores.opening import open_store

POLICIES = Path(__file__).parents[2] / "deploy" / "iam"
STORE = "s3://studio-store/store"
ROLES = {
    "submitter": ["submitter"], "crew": ["controller", "worker"], "worker": ["worker"],
    "listener": ["listener"],
}  # fmt: skip


@dataclass
class Account:
    """A cloud account in which every role is a user of its own."""

    endpoint: str
    keys: dict[str, tuple[str, str]]
    places: dict[str, str]
    patch: pytest.MonkeyPatch

    def become(self, role: str) -> None:
        key, secret = self.keys[role]
        self.patch.setenv("AWS_ACCESS_KEY_ID", key)
        self.patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        boto3.setup_default_session()

    def enforce(self, after_actions: int) -> None:
        url, data = f"{self.endpoint}/moto-api/reset-auth", str(after_actions).encode()
        urllib.request.urlopen(
            urllib.request.Request(
                url, data=data, method="POST", headers={"Content-Type": "text/plain"}
            )
        ).close()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with (
        run_aws(tmp_path_factory.mktemp("aws")) as endpoint,
        pytest.MonkeyPatch.context() as patch,
    ):
        boto3.setup_default_session()
        places = _build(tmp_path_factory.mktemp("plate"))
        iam, keys = boto3.client("iam"), {}
        for role, policies in ROLES.items():
            iam.create_user(UserName=role)
            for name in policies:
                text = Template((POLICIES / f"{name}.json").read_text()).substitute(places)
                iam.put_user_policy(UserName=role, PolicyName=name, PolicyDocument=text)
            made = iam.create_access_key(UserName=role)["AccessKey"]
            keys[role] = (made["AccessKeyId"], made["SecretAccessKey"])
        account = Account(endpoint=endpoint, keys=keys, places=places, patch=patch)
        account.enforce(0)
        yield account
    boto3.DEFAULT_SESSION = None


def _build(folder: Path) -> dict[str, str]:
    s3, sqs, sns = boto3.client("s3"), boto3.client("sqs"), boto3.client("sns")
    buckets = {"bucket": "studio-store", "plates_bucket": "plates", "shots_bucket": "shots"}
    for name in buckets.values():
        s3.create_bucket(Bucket=name)
    found = {**buckets, "prefix": "store/"}
    for name in ("queue", "dead_letter", "answers"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        found |= {f"{name}_url": url, f"{name}_arn": told["Attributes"]["QueueArn"]}
    found["topic_arn"] = sns.create_topic(Name="answers")["TopicArn"]
    plate = write_plate(folder / "plate.txt", 8)
    s3.put_object(Bucket="plates", Key="in/a.mov", Body=plate.read_bytes())
    etag = s3.head_object(Bucket="plates", Key="in/a.mov")["ETag"]
    item = {"key": quote_plus("in/a.mov"), "eTag": etag}
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "plates"}, "object": item},
    }
    sqs.send_message(QueueUrl=found["queue_url"], MessageBody=json.dumps({"Records": [record]}))
    sqs.send_message(QueueUrl=found["queue_url"], MessageBody="poison")
    return found


def _listener(account: Account, farm: TinyFarm, subject: Path) -> Listener:
    rule = Rule(
        name="all", bucket="plates", prefix="in/", subject=str(subject),
        settings={"mode": "exact"}, deliver_to="s3://shots/{stem}/",
    )  # fmt: skip
    return Listener(
        ListenConfig(rules=[rule]), farm.client, Inbox(farm.store), Buckets(),
        dead_letters=Queue(account.places["dead_letter_url"]),
        # The server compares the resource of no topic, so a topic's policy cannot be tried on it.
        answers=[Queue(account.places["answers_url"])],
    )  # fmt: skip


def test_every_role_can_do_its_work_with_its_policy_alone(account: Account, tmp_path: Path) -> None:
    def farm_as(role: str) -> TinyFarm:
        account.become(role)
        return TinyFarm(folder=tmp_path, store=open_store(STORE))

    waiting = farm_as("submitter").client.submit(farm_as("submitter").request())
    farm = farm_as("listener")
    listener = _listener(account, farm, write_subject(tmp_path / "subject"))
    listener.take(Queue(account.places["queue_url"]), 0)
    assert listener.counts.dead_lettered == 1 and listener.sweep() == 0
    listener.answer_all()
    (job,) = {each.job for each in farm.client.list_jobs()} - {waiting}
    assert farm_as("crew").run_inline(job).state is JobState.PUBLISHED
    account.become("listener")
    listener.answer_all()
    assert listener.counts.answered == 1
    assert len(farm_as("submitter").fetched_shot(job)) == 8


@pytest.mark.parametrize(
    ("role", "key"),
    [
        ("worker", "jobs/a/job.yaml"),
        ("worker", "jobs/a/out/manifest.json"),
        ("worker", "consents/vega/c.jws"),
        ("submitter", "jobs/a/render/00000/commit.json"),
        ("listener", "jobs/a/render/00000/commit.json"),
        ("crew", "consents/vega/c.jws"),
    ],
)
def test_no_role_can_write_what_is_anothers(account: Account, role: str, key: str) -> None:
    account.become(role)
    with pytest.raises(StoreError, match="Access Denied"):
        open_store(STORE).put(key, b"x")


@pytest.mark.parametrize("role", ["submitter", "crew"])
def test_only_the_listener_reaches_plates_and_shots(account: Account, role: str) -> None:
    account.become(role)
    with pytest.raises(StoreError, match="Access Denied"):
        Buckets().read_small("plates", "in/a.mov", 10)
