"""The machines of a Ray cluster: starting or joining one, who leaves, and what more is needed.

It does not know workers' orders.
"""

import logging
import os
import time
from collections.abc import Iterable, Sequence

import ray
import ray.autoscaler.sdk
from ray._private.state import state as _gcs
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled, without types
from ray.exceptions import RayError

from bodyswap.errors import BodyswapError
from cluster.jobs.node import Node
from cluster.workers.ray_access import check_ray_access
from cluster.workers.settings import Resources

_PREEMPTION = 2
"""DRAIN_NODE_REASON_PREEMPTION of Ray's protocol: whatever runs there, the node will leave."""
_LEAVES_WITHIN_S = 120.0
_STARTS = 3
_GIB = 2**30

_log = logging.getLogger(__name__)


def start_ray(address: str | None, *, cpus: int | None = None) -> None:
    """Start Ray on this machine, or join the cluster at `address`; never one without tokens.

    `cpus` is how many this machine is said to have; as many as Ray finds without it.

    Raises:
        UsageError: others could use it without a token.
        BodyswapError: it cannot be reached.
    """
    check_ray_access(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What a worker's process has started ends with it, however it ends.
    os.environ.setdefault("RAY_process_group_cleanup_enabled", "true")
    for attempt in range(1, _STARTS + 1):
        try:
            _init(address, cpus)
            return
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _out_of_reach(address, error) from error
        # Ray gives a machine half a minute to start, and tells that it took longer by a bare one.
        except Exception as error:
            if type(error) is not Exception or attempt == _STARTS:
                raise _out_of_reach(address, error) from error
            _log.warning("Ray did not start in time, again (%d of %d)", attempt + 1, _STARTS)


def _init(address: str | None, cpus: int | None) -> None:
    if address is None:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    else:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


def _out_of_reach(address: str | None, error: Exception) -> BodyswapError:
    reason = str(error).strip().partition("\n")[0].rstrip(".")
    if address is None:
        return BodyswapError(
            f"Ray cannot be started on this machine: {reason}; its logs are in"
            " /tmp/ray/session_latest/logs. End other programs here, or work without it:"
            " --runtime inline"
        )
    return BodyswapError(
        f"Ray at '{address}' cannot be reached: {reason}; is it running there"
        " (`ray status --address …`), and is this its address?"
    )


def living_nodes() -> tuple[Node, ...]:
    """Every node that Ray has now."""
    found = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    called = ("NodeName", "NodeManagerHostname", "NodeManagerAddress")
    return tuple(
        Node(id=node["NodeID"], names=tuple(dict.fromkeys(node[key] for key in called)))
        for node in found
    )


def leaving_nodes(nodes: Iterable[Node]) -> dict[str, str]:
    """Those of `nodes` that Ray has been told will leave: their names by id."""
    leaving = set(_gcs.get_draining_nodes())
    return {node.id: node.name for node in nodes if node.id in leaving}


def drain_nodes(nodes: Iterable[Node], names: Iterable[str]) -> None:
    """Tell Ray that those of `nodes` that are called so leave: it places nothing there any more."""
    wanted, already = tuple(names), set(_gcs.get_draining_nodes())
    if not wanted:
        return
    client = GcsClient(address=ray.get_runtime_context().gcs_address)
    by_ms = int(1e3 * (time.time() + _LEAVES_WITHIN_S))
    for node in nodes:
        if any(map(node.is_called, wanted)) and node.id not in already:
            accepted, why_not = client.drain_node(node.id, _PREEMPTION, "drained", by_ms)
            if not accepted:
                _log.warning("Ray does not drain %s: %s", node.name, why_not)


def ask_for(bundles: Sequence[Resources]) -> None:
    """Have Ray's autoscaler see to room for all of these at once; for none, whenever it likes."""
    try:
        ray.autoscaler.sdk.request_resources(bundles=[ray_resources(each) for each in bundles])
    except RayError as error:
        _log.warning("Ray's autoscaler is not told what is needed: %s", error)


def ray_resources(asked: Resources) -> Resources:
    """The same by Ray's own names."""
    plain = {"cpu": "CPU", "gpu": "GPU", "memory_gib": "memory"}
    return {
        plain.get(name, name): amount * _GIB if name == "memory_gib" else amount
        for name, amount in asked.items()
    }
