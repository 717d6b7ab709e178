"""The house in figures: how large its files and functions are, and what its rules find.

python bench/house.py. Of any other tree of Python: python bench/house.py FOLDER PACKAGE...
"""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from findings import Findings  # noqa: E402
from house_rules import no_file_imports_itself_by_others  # noqa: E402
from house_source import Source  # noqa: E402

LONG_FUNCTION = 40


def main() -> None:
    """Print and keep the figures."""
    root, *packages = sys.argv[1:] or [str(ROOT), "bodyswap", "cluster"]
    files = [
        Source(Path(root), path)
        for package in packages
        for path in sorted((Path(root) / package).rglob("*.py"))
    ]
    nodes = [node for file in files for node in ast.walk(file.tree)]
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = sorted(file.text.count("\n") for file in files)
    lengths = [node.end_lineno - node.lineno + 1 for node in functions if node.end_lineno]
    tests = [path.read_text() for path in (Path(root) / "tests").rglob("*.py")]
    findings = Findings("house", {"root": Path(root).name, "packages": packages})
    findings.add("files", len(files))
    findings.add("lines", sum(lines))
    findings.add("lines of the median file", statistics.median(lines))
    findings.add("lines of the largest file", lines[-1])
    findings.add("functions", len(functions))
    findings.add("lines of the median function", statistics.median(lengths))
    findings.add("lines of the largest function", max(lengths))
    findings.add(f"functions over {LONG_FUNCTION} lines", sum(n > LONG_FUNCTION for n in lengths))
    findings.add("circles of imports", len(list(no_file_imports_itself_by_others(files))))
    findings.add("functions fully annotated", 100 * _annotated(functions), "%")
    findings.add("broad excepts", sum(_is_broad(node) for node in nodes))
    findings.add("uses of patch() in tests", sum(text.count("patch(") for text in tests))
    findings.add("lines of tests", sum(text.count("\n") for text in tests))
    findings.keep()


def _annotated(functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> float:
    def is_whole(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        named = [each for each in every if each.arg not in ("self", "cls")]
        return node.returns is not None and all(each.annotation for each in named)

    return sum(map(is_whole, functions)) / len(functions)


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
    return node.type is None or broad


if __name__ == "__main__":
    main()
