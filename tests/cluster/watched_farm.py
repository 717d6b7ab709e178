"""A farm and a listener on real servers, watched by a real Prometheus, which do a bad day's work.

A plate that arrives twice becomes a job that fails, is retried, repaired and published; rubbish in
the queue goes to the dead letters.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import yaml
from prometheus_server import Prometheus, run_prometheus
from real_servers import BUCKET
from scraping import free_address
from tiny_farm import TinyFarm
from tiny_pipeline import Trouble, write_plate, write_subject

from bodyswap.config import Mode
from cluster.events.bucket import Buckets
from cluster.events.inbox import Inbox
from cluster.events.listener import Counts, Listener
from cluster.events.meter import ListenMeter
from cluster.events.queue import Queue
from cluster.events.rules import ListenConfig, Rule
from cluster.events.serving import serve
from cluster.farm.controller import Controller
from cluster.farm.decide import decide
from cluster.jobs.keys import COSTS
from cluster.metering.exporter import left_in, served
from cluster.metering.keeper_meter import KeeperMeter
from cluster.metering.watch import Watch
from cluster.stores.opening import open_store
from cluster.workers.inline import InlineRuntime

RULES = Path(__file__).parents[2] / "deploy/prometheus"
COSTS_YAML = "currency: EUR\nrates_per_hour: {cpu: 360}\nbudgets: {stunts: 1000}\n"


@dataclass(frozen=True, kw_only=True)
class Watched:
    farm: TinyFarm
    prometheus: Prometheus
    queue_url: str
    prefix: str

    def drop_plate(self) -> None:
        """A plate arrives, is told of twice, and rubbish besides."""
        key = f"{self.prefix}/in/s010.mov"
        data = write_plate(self.farm.folder / "plate.txt", 40).read_bytes()
        tag = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)["ETag"].strip('"')
        told = {"bucket": {"name": BUCKET}, "object": {"key": key, "eTag": tag}}
        notice = json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": told}]})
        for body in (notice, notice, "rubbish"):
            boto3.client("sqs").send_message(QueueUrl=self.queue_url, MessageBody=body)

    def submit_cut_in_four(self) -> str:
        """A job whose joins have to be mended."""
        request = self.farm.request(mode=Mode.FAST, trouble=Trouble(frame_s=0.02))
        settings = replace(request.settings, join_tolerance=0.1)
        return self.farm.client.submit(replace(request, settings=settings, project="stunts"))


@contextmanager
def watched_farm(folder: Path, s3_url: str) -> Iterator[Watched]:
    name = uuid.uuid4().hex
    queue_url, dead_url = (
        boto3.client("sqs").create_queue(QueueName=f"{name}-{kind}")["QueueUrl"]
        for kind in ("plates", "dead")
    )
    trouble = Trouble(kind="bug", at=17, once=str(folder / "once"), frame_s=0.05)
    write_subject(folder / "dropped", trouble)
    farm = TinyFarm(folder=folder, store=open_store(f"{s3_url}/{name}/store"))
    farm.store.put(COSTS, COSTS_YAML.encode())
    addresses = free_address(), free_address()
    with (
        _farm_at_work(farm, folder, addresses[0]),
        _listener_at_work(farm, folder, name, queue_url, dead_url, addresses[1]),
        run_prometheus(folder / "prometheus", _config(folder, *addresses)) as prometheus,
    ):
        yield Watched(farm=farm, prometheus=prometheus, queue_url=queue_url, prefix=name)


def rules() -> dict[str, str]:
    """The expression of every recording rule, by its name."""
    groups = yaml.safe_load((RULES / "recording.yml").read_text())["groups"]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"]}


@contextmanager
def _farm_at_work(farm: TinyFarm, folder: Path, address: str) -> Iterator[None]:
    """As `farm up` and `work` have it, but in one process."""
    watch, left = Watch(farm.store), folder / "left.txt"
    crew = watch.runtime(InlineRuntime(farm.worker_config))
    controller = Controller(
        store=farm.store, runtime=crew, on_status=watch.hear,
        decide_next=watch.deciding(decide),
    )  # fmt: skip
    keeper = KeeperMeter(left, deaths=lambda: 0)
    with left_in(watch.meter.collector, left), served([keeper.collector, keeper.left], address):
        with _in_a_thread(lambda is_over: controller.serve(is_over.is_set)):
            yield
        crew.close()


@contextmanager
def _listener_at_work(
    farm: TinyFarm, folder: Path, prefix: str, queue_url: str, dead_url: str, address: str
) -> Iterator[None]:
    rule = Rule(
        name="stunts", bucket=BUCKET, prefix=f"{prefix}/in/", suffix=".mov", project="stunts",
        subject=str(folder / "dropped"), deliver_to=f"s3://{BUCKET}/{prefix}/shots/",
        settings={"mode": "fast", "warmup_frames": 3, "join_tolerance": 0.1},
    )  # fmt: skip
    dead = Queue(dead_url)
    config = ListenConfig(rules=[rule])
    listener = Listener(config, farm.client, Inbox(farm.store), Buckets(), dead_letters=dead)
    meter = ListenMeter(dead.depth)

    def listen(is_over: threading.Event) -> None:
        def on_round(counts: Counts) -> None:
            meter.hear(counts)
            is_over.wait(0.2)

        serve(
            listener, Queue(queue_url), sweep_every_s=3600, wait_s=0, is_over=is_over.is_set,
            on_round=on_round, on_trouble=lambda error: None,
        )  # fmt: skip

    with served([meter.collector], address), _in_a_thread(listen):
        yield


@contextmanager
def _in_a_thread(work: object) -> Iterator[None]:
    is_over = threading.Event()
    thread = threading.Thread(target=work, args=(is_over,), daemon=True)  # type: ignore[arg-type]
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(timeout=60)


def _config(folder: Path, farm: str, listener: str) -> str:
    """The project's own configuration in a hurry: every second, and at these addresses."""
    config = yaml.safe_load((RULES / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    at = {"bodyswap-farm": farm, "bodyswap-listener": listener}
    config["scrape_configs"] = [
        {**job, "static_configs": [{"targets": [at[job["job_name"]]]}]}
        for job in config["scrape_configs"]
        if job["job_name"] in at
    ]
    recording = yaml.safe_load((RULES / "recording.yml").read_text())
    for group in recording["groups"]:
        del group["interval"]
    (folder / "recording.yml").write_text(yaml.safe_dump(recording))
    config["rule_files"] = [str(folder / "recording.yml"), str(RULES / "alerts.yml")]
    return yaml.safe_dump(config)
