"""Rules of how a file of the house is written: its length, its words, what it says of itself."""

import ast
import re
from collections.abc import Iterator, Mapping

from house_source import Source

LONGEST_FILE = 300
LONG_BECAUSE = "# Long because "

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
