"""The layers of ARCHITECTURE.md hold: imports point down, and each giant has one door."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "bodyswap").rglob("*.py")) + sorted((ROOT / "cluster").rglob("*.py"))
DOORS = {
    "av": ("bodyswap/media/",),
    "OpenEXR": ("bodyswap/media/",),
    "fileseq": ("bodyswap/media/",),
    "opentimelineio": ("bodyswap/media/",),
    "mmpose": ("bodyswap/keypoints/mmpose_door.py",),
    "mmengine": ("bodyswap/keypoints/mmpose_door.py", "bodyswap/keypoints/mmdet_door.py"),
    "mmcv": ("bodyswap/keypoints/mmpose_door.py",),
    "mmdet": ("bodyswap/keypoints/mmpose_door.py", "bodyswap/keypoints/mmdet_door.py"),
    "ray": (
        "cluster/workers/on_ray.py",
        "cluster/workers/ray_actor.py",
        "cluster/workers/ray_nodes.py",
        "cluster/training/on_ray.py",
    ),
    "boto3": ("cluster/stores/s3_client.py", "cluster/events/queue.py"),
    "botocore": (
        "cluster/stores/s3_client.py",
        "cluster/stores/s3.py",
        "cluster/stores/uploads.py",
        "cluster/events/",
    ),
    "omegaconf": ("bodyswap/config.py",),
    "standardwebhooks": ("cluster/notices/post.py",),
    "prometheus_client": (
        "cluster/metering/metrics.py",
        "cluster/metering/exporter.py",
        "cluster/training/metrics.py",
    ),
    "opentelemetry": ("cluster/metering/tracing.py",),
    "joserfc": ("bodyswap/rights/signed.py",),
    "cryptography": ("bodyswap/rights/signing_keys.py", "bodyswap/rights/certificates.py"),
    "c2pa": ("bodyswap/rights/provenance.py",),
    "openvino": ("bodyswap/engines/openvino_door.py",),
    "onnxruntime": ("bodyswap/engines/onnx_door.py", "bodyswap/training/pose/"),
    "scenedetect": ("bodyswap/media/cuts.py",),
}
VALUES = (
    "errors", "timing", "timecode", "choice", "frames", "skeleton", "people", "config", "stance",
    "homography", "steps", "environment", "overlap",
)  # fmt: skip
# From the ground up: a room imports from itself and from what stands before it.
FARM_ROOMS = (
    "stores", "jobs", "notices", "rights", "delivering", "workers", "farm", "telling", "asking",
    "client", "shot", "conform", "metering", "training", "events", "review", "cli", "__main__",
    "simulation",
)  # fmt: skip


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("giant", sorted(DOORS))
def test_a_third_party_giant_is_imported_only_behind_its_door(giant: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(name.split(".")[0] == giant for name in _imports(path))
    }
    assert all(user.startswith(DOORS[giant]) for user in users), users


def test_one_machine_knows_nothing_of_the_farm() -> None:
    for path in (ROOT / "bodyswap").rglob("*.py"):
        assert not any(name.split(".")[0] == "cluster" for name in _imports(path)), path


def test_values_import_only_values() -> None:
    allowed = {f"bodyswap.{name}" for name in VALUES}
    for name in VALUES:
        path = ROOT / "bodyswap" / f"{name}.py"
        own = {module for module in _imports(path) if module.startswith("bodyswap")}
        assert own <= allowed, f"{path}: {own - allowed}"


def test_the_rooms_of_the_farm_stand_on_each_other() -> None:
    above = {room: number for number, room in enumerate(FARM_ROOMS)}
    for path in (ROOT / "cluster").rglob("*.py"):
        room = path.relative_to(ROOT / "cluster").with_suffix("").parts[0]
        if room == "__init__":
            continue
        for module in _imports(path):
            whole, *parts = module.split(".")
            if whole == "cluster":
                assert parts, f"{path.relative_to(ROOT)}: name the room"
                assert above[parts[0]] <= above[room], f"{path.relative_to(ROOT)} imports {module}"


def test_rooms_do_not_reach_up_to_the_stages() -> None:
    stages = {"decode", "pose", "retarget", "render", "composite", "encode", "solve", "pipeline"}
    for room in ("media", "keypoints", "nets", "retargeting", "stage", "rights"):
        for path in (ROOT / "bodyswap" / room).rglob("*.py"):
            for module in _imports(path):
                parts = module.split(".")
                assert not (parts[0] == "bodyswap" and parts[1:2] and parts[1] in stages), (
                    f"{path.relative_to(ROOT)} imports {module}"
                )


def test_help_is_quick_because_no_giant_is_loaded_for_it() -> None:
    program = "import sys, cluster.cli.app; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for giant in ("torch", "ray", "mmpose", "kornia", "av"):
        assert f"'{giant}'" not in loaded, giant
