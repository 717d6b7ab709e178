"""What is said where an engine's library is missing."""

from bodyswap.errors import EngineError


def not_installed(package: str, *, extra: str) -> EngineError:
    return EngineError(
        f"the engine needs {package}, which is not installed: pip install 'bodyswap[{extra}]', "
        "or set engine=eager"
    )
