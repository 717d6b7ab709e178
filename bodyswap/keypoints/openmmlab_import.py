"""What OpenMMLab needs put in place while it is imported, and taken away afterwards.

It does not import OpenMMLab itself. Each stand-in is for a package that is missing here and that
no top-down pose model uses; a real, compiled one is left untouched.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from bodyswap.errors import ModelError

_PYCOCOTOOLS = ("", ".coco", ".cocoeval", ".mask")


@contextmanager
def import_aids() -> Iterator[None]:
    """Within the block, `import mmpose.models` works; after it no stand-in is left behind."""
    added = _aliases() | _compiled_operators() | _torchvision()
    sys.modules.update(added)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, module in added.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _aliases() -> dict[str, ModuleType]:
    """xtcocotools is a fork of pycocotools whose wheels no longer fit numpy 2."""
    if importlib.util.find_spec("xtcocotools") is not None:
        return {}
    return {
        f"xtcocotools{part}": importlib.import_module(f"pycocotools{part}") for part in _PYCOCOTOOLS
    }


def _compiled_operators() -> dict[str, ModuleType]:
    """mmcv-lite has no compiled operators, but mmdet looks for them while it is imported."""
    if "mmcv._ext" in sys.modules or _is_installed("mmcv._ext"):
        return {}
    return {"mmcv._ext": _StandIn("mmcv._ext", "install mmcv with its compiled operators")}


def _torchvision() -> dict[str, ModuleType]:
    """Missing, or built for another torch; MMPose asks it for one drawing function."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError):
        _forget("torchvision")
    else:
        return {}
    transforms = _StandIn("torchvision.transforms", "install torchvision")
    parent = _StandIn("torchvision", "install torchvision")
    vars(parent)["transforms"] = transforms
    return {"torchvision": parent, "torchvision.transforms": transforms}


class _StandIn(ModuleType):
    """A module whose every function refuses to be called, saying what to install."""

    def __init__(self, name: str, remedy: str) -> None:
        super().__init__(name)
        self.__file__ = __file__
        self._remedy = remedy

    def __getattr__(self, attribute: str) -> Callable[..., object]:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        name, remedy = self.__name__, self._remedy

        def refuse(*_args: object, **_options: object) -> object:
            raise ModelError(f"{name}.{attribute} is not installed here; {remedy}")

        return refuse


def _is_installed(name: str) -> bool:
    parent = name.partition(".")[0]
    spec = importlib.util.find_spec(parent)
    if spec is None or spec.submodule_search_locations is None:
        return False
    return (
        importlib.machinery.PathFinder.find_spec(name, spec.submodule_search_locations) is not None
    )


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]
