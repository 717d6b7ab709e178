"""The rule of the store's layout: one file says where everything lies, and no other spells it."""

import ast
import re
from collections.abc import Iterator

from house_source import Source

KEYS = "cluster/jobs/keys.py"
_PLACE = re.compile(r"(?:[a-z]+/)+")

# Begin like a place in a store, and are none.
NO_PLACES = {"cluster/review/media.py": ("segments/",)}  # an address of the page's


def the_stores_places_are_named_in_one_file(files: list[Source]) -> Iterator[str]:
    """Keys are made of what `keys` names, not of the names of folders.

    Told are texts that begin with a place known there, those that are nothing but a place up to
    what is filled in, and those that go on from the root of a job's keys.
    """
    known = {
        place[0].split("/")[0]
        for file in files
        if file.where == KEYS
        for text in _texts(file.tree)
        if (place := _PLACE.match(_beginning(text)))
    }
    for file in files:
        if not file.where.startswith("cluster/") or file.where == KEYS:
            continue
        for text in _texts(file.tree):
            if _goes_on_from_root(text):
                yield f"{file.where}:{text.lineno} makes a key of {ast.unparse(text)}"
            beginning = _beginning(text)
            place = _PLACE.match(beginning)
            if place is None or beginning in NO_PLACES.get(file.where, ()):
                continue
            is_whole = place[0] == beginning
            if is_whole or place[0].split("/")[0] in known:
                yield f"{file.where}:{text.lineno} spells '{beginning}'; name it in {KEYS}"


def _texts(tree: ast.Module) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Every text, whole, but those that say what something is."""
    nodes = list(ast.walk(tree))
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    said = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (is_text or isinstance(node, ast.JoinedStr)) and id(node) not in parts | said:
            yield node


def _beginning(text: ast.Constant | ast.JoinedStr) -> str:
    """The text up to what is filled in first."""
    first = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _goes_on_from_root(text: ast.Constant | ast.JoinedStr) -> bool:
    first = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    return (
        isinstance(first, ast.FormattedValue)
        and isinstance(first.value, ast.Attribute)
        and first.value.attr == "root"
    )
