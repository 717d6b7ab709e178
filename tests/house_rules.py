"""The rules of the house, each a function from a tree of sources to what breaks it there.

Here are those of who may import whom; `house_writing` and `house_store` have the rest. A rule knows
no file of this project's but those its tables name; `test_architecture` asks each of the real tree,
and of one where it was broken on purpose.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from house_source import Source
from house_store import the_stores_places_are_named_in_one_file
from house_writing import (
    broad_excepts_give_a_reason,
    every_file_says_its_job,
    everything_is_annotated,
    long_files_say_why,
    names_are_the_glossarys,
    public_things_say_what_they_are,
    the_help_of_an_option_stands_once,
)

# Each third-party giant, and the only files that may import it.
DOORS: Mapping[str, tuple[str, ...]] = {
    "av": ("bodyswap/media/",),
    "OpenEXR": ("bodyswap/media/",),
    "fileseq": ("bodyswap/media/",),
    "opentimelineio": ("bodyswap/media/",),
    "mmpose": ("bodyswap/keypoints/mmpose_door.py",),
    "mmengine": (
        "bodyswap/keypoints/mmpose_door.py",
        "bodyswap/keypoints/mmdet_door.py",
        "bodyswap/keypoints/openmmlab_weights.py",
    ),
    "mmcv": ("bodyswap/keypoints/mmpose_door.py",),
    "mmdet": ("bodyswap/keypoints/mmpose_door.py", "bodyswap/keypoints/mmdet_door.py"),
    "ray": (
        "cluster/workers/on_ray.py",
        "cluster/workers/ending.py",
        "cluster/workers/hand.py",
        "cluster/workers/ray_actor.py",
        "cluster/workers/ray_nodes.py",
        "cluster/training/on_ray.py",
    ),
    "boto3": ("cluster/stores/s3_client.py", "cluster/events/queue.py"),
    "botocore": ("cluster/stores/", "cluster/events/"),
    "omegaconf": ("bodyswap/settings_text.py",),
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
    "PyOpenColorIO": ("bodyswap/media/ocio_door.py",),
    "openvino": ("bodyswap/engines/openvino_door.py",),
    "onnxruntime": ("bodyswap/engines/onnx_door.py", "bodyswap/training/pose/"),
    "scenedetect": ("bodyswap/media/cuts.py",),
}
# From the ground up: a room of the farm imports from itself and from what stands before it.
FARM_ROOMS = (
    "stores", "jobs", "notices", "rights", "delivering", "workers", "farm", "telling", "asking",
    "client", "shot", "conform", "metering", "training", "events", "review", "cli", "__main__",
    "simulation",
)  # fmt: skip
# What stages pass to each other: it imports nothing but its like.
VALUES = (
    "errors", "timing", "timecode", "choice", "frames", "skeleton", "people", "config", "stance",
    "homography", "steps", "environment", "settings_text", "overlap", "spelling", "replacement",
    "joins",
)  # fmt: skip
STAGES = ("decode", "pose", "retarget", "render", "composite", "encode", "solve")
# What stands on stages and rooms: the passes, and the verbs of one machine.
ABOVE_STAGES = (
    "passes", "pipeline", "train", "survey", "forecast", "recognition", "doctor", "cli",
    "cli_train",
)  # fmt: skip
BESIDE = ("device", "folders", "terminal")  # of no layer: they import values alone, or nothing
BELOW_STAGES = ("media", "keypoints", "nets", "retargeting", "stage", "rights", "engines")


def giants_have_one_door(files: list[Source]) -> Iterator[str]:
    for file in files:
        for giant in {name.split(".")[0] for name in file.imports} & DOORS.keys():
            if not file.where.startswith(DOORS[giant]):
                yield f"{file.where} imports {giant}; its door is {', '.join(DOORS[giant])}"


def imports_are_absolute(files: list[Source]) -> Iterator[str]:
    for file in files:
        if any(name.startswith(".") for name in file.imports):
            yield f"{file.where} imports by dots"


def one_machine_knows_no_farm(files: list[Source]) -> Iterator[str]:
    for file in files:
        if not file.module.startswith("bodyswap"):
            continue
        if any(name.split(".")[0] == "cluster" for name in file.imports):
            yield f"{file.where} imports cluster"


def values_import_only_values(files: list[Source]) -> Iterator[str]:
    allowed = {f"bodyswap.{name}" for name in VALUES}
    for file in files:
        if file.module in allowed:
            for name in file.imports:
                if name.startswith("bodyswap.") and not _is_of(name, allowed):
                    yield f"{file.where} imports {name}"


def rooms_do_not_reach_up_to_stages(files: list[Source]) -> Iterator[str]:
    stages = {f"bodyswap.{stage}" for stage in (*STAGES, *ABOVE_STAGES)}
    for file in files:
        if file.where.startswith(tuple(f"bodyswap/{room}/" for room in BELOW_STAGES)):
            for name in file.imports:
                if _is_of(name, stages):
                    yield f"{file.where} imports {name}"


def every_file_at_the_top_has_its_layer(files: list[Source]) -> Iterator[str]:
    layers = {"__init__", *VALUES, *STAGES, *ABOVE_STAGES, *BESIDE}
    for file in files:
        package, *inside = file.module.split(".")
        if package == "bodyswap" and len(inside) == 1 and inside[0] not in layers:
            yield f"{file.where} is of no layer; name it in one of house_rules"


def rooms_of_the_farm_stand_on_each_other(files: list[Source]) -> Iterator[str]:
    height = {room: number for number, room in enumerate(FARM_ROOMS)}
    for file in files:
        package, room = [*file.module.split("."), ""][:2]
        if package != "cluster" or room == "__init__":
            continue
        for name in file.imports:
            whole, below = [*name.split("."), ""][:2]
            if whole == "cluster" and below and height[below] > height[room]:
                yield f"{file.where} imports {name}"


def no_file_imports_itself_by_others(files: list[Source]) -> Iterator[str]:
    modules = {file.module for file in files}
    graph = {
        file.module: {name for name in file.imports if name in modules} - {file.module}
        for file in files
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"a circle of imports: {' <- '.join(error.args[1])}"


RULES = (
    giants_have_one_door,
    imports_are_absolute,
    one_machine_knows_no_farm,
    values_import_only_values,
    rooms_do_not_reach_up_to_stages,
    every_file_at_the_top_has_its_layer,
    rooms_of_the_farm_stand_on_each_other,
    no_file_imports_itself_by_others,
    long_files_say_why,
    every_file_says_its_job,
    public_things_say_what_they_are,
    everything_is_annotated,
    broad_excepts_give_a_reason,
    names_are_the_glossarys,
    the_help_of_an_option_stands_once,
    the_stores_places_are_named_in_one_file,
)


def _is_of(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
