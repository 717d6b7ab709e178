"""The rules of the house, each a function from a tree of sources to what breaks it there.

A rule knows no file of this project's but those its tables name; `test_architecture` asks each of
the real tree, and of one where it was broken on purpose.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

LONGEST_FILE = 300
LONG_BECAUSE = "# Long because "

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
BESIDE = ("device", "terminal")  # of no layer: they import values alone, or nothing
BELOW_STAGES = ("media", "keypoints", "nets", "retargeting", "stage", "rights", "engines")

# Words that the glossary has another for, or that name nothing; and where they are somebody else's.
NOT_OUR_WORDS: Mapping[str, tuple[str, ...]] = {
    "actor": ("cluster/workers/ray_actor.py",),  # Ray's
    "chunk": ("bodyswap/media/sample_tables.py",),  # ISO 14496-12's
    "target": (
        "bodyswap/stage/camera.py",  # what a camera looks at
        "cluster/delivering/preview.py",  # HLS's target duration
        "bodyswap/training/footage.py",  # the size aimed at
    ),
    **dict.fromkeys(
        ("heatmap", "normalise", "normalize", "task", "merge", "utils", "helpers", "misc",
         "manager"),
        (),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One file of the tree."""

    root: Path
    path: Path

    @cached_property
    def where(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def module(self) -> str:
        return ".".join(self.path.relative_to(self.root).with_suffix("").parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """Every module named, and every name taken out of one, wherever in the file."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
        return tuple(found)


def sources(root: Path) -> list[Source]:
    """Every file of the two packages under `root`."""
    paths = [path for top in ("bodyswap", "cluster") for path in (root / top).rglob("*.py")]
    return [Source(root, path) for path in sorted(paths)]


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


def long_files_say_why(files: list[Source]) -> Iterator[str]:
    for file in files:
        lines = file.text.count("\n")
        if lines > LONGEST_FILE and LONG_BECAUSE not in file.text:
            yield f"{file.where} has {lines} lines; part it, or say '{LONG_BECAUSE}...' in it"


def every_file_says_its_job(files: list[Source]) -> Iterator[str]:
    for file in files:
        if not file.text.strip():
            continue
        first = (ast.get_docstring(file.tree) or "").split("\n")[0]
        if not first.endswith((".", "?", ":")):
            yield f"{file.where} does not begin with a sentence that says its job"


def public_things_say_what_they_are(files: list[Source]) -> Iterator[str]:
    """Functions and classes that another file may take, but those whose name says it all."""
    for file in files:
        for node in file.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and not _is_one_thing(node):
                yield f"{file.where}:{node.lineno} {node.name} has no docstring"


def everything_is_annotated(files: list[Source]) -> Iterator[str]:
    for file in files:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is None:
                yield f"{file.where}:{node.lineno} {node.name} does not say what it returns"


def broad_excepts_give_a_reason(files: list[Source]) -> Iterator[str]:
    """`except Exception` needs a comment beside or above it; or it raises again."""
    for file in files:
        lines = file.text.splitlines()
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                near = lines[node.lineno - 2 : node.lineno]
                raises = any(isinstance(inner, ast.Raise) for inner in node.body)
                if not raises and not any("#" in line for line in near):
                    yield f"{file.where}:{node.lineno} catches everything and gives no reason"


def names_are_the_glossarys(files: list[Source]) -> Iterator[str]:
    for file in files:
        for name in {file.path.stem, *_own_names(file.tree)}:
            for word in re.findall(r"[A-Z]?[a-z]+", name):
                allowed = NOT_OUR_WORDS.get(word.lower())
                if allowed is not None and file.where not in allowed:
                    yield f"{file.where}: {name}; '{word.lower()}' is not a word of ours"


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
)


def _is_of(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _is_broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or (
        isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
    )


def _is_one_thing(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """A function of one statement, or an error: `errors.py` draws them."""
    if isinstance(node, ast.FunctionDef):
        return len(node.body) == 1
    return node.name.endswith("Error")


def _own_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
