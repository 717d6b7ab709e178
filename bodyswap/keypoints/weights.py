"""Finds a model's weights: in the package, on this disk, in a store, or on the network.

It does not know what the weights are for. Whatever comes from elsewhere is kept in the cache under
its SHA-256, and is never used before that hash was verified.
"""

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bodyswap.environment import cache_folder
from bodyswap.errors import IntegrityError, ModelError

Fetch = Callable[[str, Path], None]
"""Copies what a URL names to a local path; raises OSError where it cannot."""

PACKAGED = Path(__file__).parent / "weights"
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 60


def download(url: str, path: Path) -> None:
    """Fetch an http(s) or file URL."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply, path.open("wb") as file:
        while block := reply.read(_BLOCK_BYTES):
            file.write(block)


def find_weights(
    source: str,
    *,
    sha256: str | None,
    folder: Path,
    fetch: Fetch = download,
    cache: Path | None = None,
) -> Path:
    """A local file holding the weights that `source` names.

    `source` is "package:NAME" (shipped with bodyswap), a path (relative ones from `folder`), or a
    URL, which needs a `sha256`.

    Raises:
        ModelError: the file is not there, cannot be fetched, or a URL comes without its hash.
        IntegrityError: the file's hash is not `sha256`.
    """
    if re.match(r"[a-z][a-z0-9+]+://", source):
        return _fetched(source, sha256, fetch, cache or cache_folder() / "weights")
    if source.startswith("package:"):
        path = PACKAGED / source.removeprefix("package:")
    else:
        path = folder / Path(source).expanduser()
    if not path.is_file():
        raise ModelError(f"pose weights {path} are not there; give a file, or a URL and its sha256")
    if sha256 is not None:
        _verify(path, sha256, source)
    return path


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetched(url: str, sha256: str | None, fetch: Fetch, cache: Path) -> Path:
    name = Path(unquote(urlsplit(url).path)).name
    if sha256 is None:
        raise ModelError(_ask_for_hash(url, name))
    path = cache / sha256 / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{name}.unfinished")
        try:
            fetch(url, unfinished)
            _verify(unfinished, sha256, url)
            unfinished.replace(path)
        except (OSError, urllib.error.URLError) as error:
            raise ModelError(
                f"pose weights {url} cannot be fetched: {error}; fetch the file yourself and name "
                "its path as weights"
            ) from error
        finally:
            unfinished.unlink(missing_ok=True)
    _verify(path, sha256, url)
    return path


def _verify(path: Path, sha256: str, source: str) -> None:
    found = file_sha256(path)
    if found != sha256.lower():
        raise IntegrityError(
            f"pose weights {source} have sha256 {found}, not {sha256}; the file is damaged or was "
            "replaced, so it is not used"
        )


def _ask_for_hash(url: str, name: str) -> str:
    """OpenMMLab puts the first 8 digits of the hash into a checkpoint's name."""
    digits = re.search(r"-([0-9a-f]{8})(?:_\d{8})?\.pth$", name)
    hint = f" (its name says it begins with {digits[1]})" if digits else ""
    return (
        f"pose weights {url} come without a sha256, so what arrives could not be verified; fetch "
        f"the file once, run sha256sum on it{hint}, and write sha256: into a copy of the yaml"
    )
