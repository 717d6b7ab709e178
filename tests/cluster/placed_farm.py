"""A farm on a Ray cluster's render nodes, one of which is drained while it renders.

python placed_farm.py FOLDER ADDRESS: prints, as JSON, what came of it.
"""

import json
import sys
from pathlib import Path

import ray
from tiny_farm import make_farm
from tiny_pipeline import Trouble

from bodyswap.config import Mode
from cluster.farm.controller import Controller
from cluster.farm.decide import Action, decide
from cluster.farm.drains import drain
from cluster.jobs.job import Stage
from cluster.jobs.journal import Journal
from cluster.jobs.snapshot import Snapshot
from cluster.workers.on_ray import RayRuntime
from cluster.workers.settings import FarmSettings

PLAIN = {"cpu": 0.5}
SETTINGS = FarmSettings(
    address=sys.argv[2],
    workers=1,
    resources={
        stage: PLAIN | ({"render_node": 1.0} if stage is Stage.RENDER else {}) for stage in Stage
    },
)

if __name__ == "__main__":
    farm = make_farm(Path(sys.argv[1]))
    runtime = RayRuntime(farm.worker_config, SETTINGS)
    rendered_on: list[str] = []
    left: set[str] = set()

    def see(snapshot: Snapshot) -> list[Action]:
        """Note where the render shard is, and have that node leave once frames are done."""
        left.update(snapshot.leaving_nodes)
        for held in snapshot.jobs[0].held:
            hand = runtime._hands.get(held.lease.worker)
            if held.lease.shard.stage is Stage.RENDER and hand is not None:
                if hand.node not in rendered_on:
                    rendered_on.append(hand.node)
                if held.frames_done and len(rendered_on) == 1:
                    drain(farm.store, hand.node[:16])
        return decide(snapshot)

    request = farm.request(mode=Mode.FAST, shards=1, trouble=Trouble(frame_s=0.3))
    job = farm.client.submit(request)
    status = Controller(store=farm.store, runtime=runtime, decide_next=see).run_until_final(job)
    failures = [entry.why for entry in Journal(farm.store, job).read() if entry.failure]
    resources = {node["NodeID"]: node["Resources"] for node in ray.nodes()}
    are_render_nodes = ["render_node" in resources[node] for node in rendered_on]
    runtime.close()
    told = {
        "state": status.state,
        "on": are_render_nodes,
        "left": len(left),
        "failures": failures,
    }
    sys.stdout.write(json.dumps(told) + "\n")
