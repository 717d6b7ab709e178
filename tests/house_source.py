"""The tree as the rules of the house see it: each file with its text, its syntax and its imports.

It does not know any rule.
"""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


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
