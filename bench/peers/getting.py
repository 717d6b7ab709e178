"""Gets a peer's package without touching the project's own environment.

It is put in a folder of its own, without what it depends on: that is here, or the peer is left out.
"""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / "out" / "peers" / "site"


class MissingError(Exception):
    """The peer cannot be had here; the message says why."""


def get(module: str, package: str) -> ModuleType:
    """The module, installed first where it is not here. Raises MissingError."""
    if SITE.is_dir() and str(SITE) not in sys.path:
        sys.path.append(str(SITE))
    try:
        return importlib.import_module(module)
    except ImportError:
        _install(package)
    if str(SITE) not in sys.path:
        sys.path.append(str(SITE))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingError(f"{package} does not import: {error}") from error


def _install(package: str) -> None:
    own = ROOT / ".tools" / "bin" / "uv"
    uv = str(own) if own.is_file() else shutil.which("uv")
    if uv is None:
        raise MissingError(f"{package} is not installed, and there is no uv to install it with")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-deps",
               "--target", str(SITE), package]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
        raise MissingError(f"{package} cannot be installed: {last}")
