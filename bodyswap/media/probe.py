"""Index a clip that a stranger may have made, in a process of its own that may not take much.

    python -m bodyswap.media.probe PLATE LIMITS     what the other process runs

It does not know why the clip is looked at. A file that crashes, hangs or bloats what reads it costs
that process and is refused; what is too large, too long or of another kind is refused by name.
"""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from bodyswap.errors import PlateError

_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "SYSTEMROOT")
"""Of the environment; a file that takes over its reader finds no secret there."""
_REFUSED = 3
_NO_MEMORY = ("Cannot allocate memory", "Resource temporarily unavailable", "MemoryError")
"""Its words, and a decoder's that gets no memory for another thread."""
_MOST_TOLD_BYTES = 64 * 1024
_MIB = 1 << 20


class MediaLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that a plate may be, and may take to look at."""

    most_pixels: int = 8192 * 8192
    most_frames: int = 500_000
    most_duration_s: float = 6 * 3600.0
    probe_memory_mib: int = 2048
    probe_s: float = 120.0

    def __post_init__(self) -> None:
        if min(msgspec.structs.astuple(self)) <= 0:
            raise ValueError("every limit of media must be above 0")


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What the clip is."""

    frame_count: int
    width: int
    height: int
    duration_s: float
    codec: str
    first_number: int
    has_rate: bool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the process that looked at the clip says of it."""

    probed: Probed | None = None
    refusal: str = ""


def probe(plate: Path, limits: MediaLimits) -> Probed:
    """What the clip is, found out by a process that is thrown away.

    Raises:
        PlateError: it cannot be read, took too long or too much, or is beyond the limits.
    """
    command = [sys.executable, "-m", "bodyswap.media.probe", str(plate.absolute())]
    return looked_at([*command, msgspec.json.encode(limits).decode()], plate, limits)


def looked_at(
    command: list[str], plate: Path, limits: MediaLimits, *, pass_fds: tuple[int, ...] = ()
) -> Probed:
    """What `command` tells of the plate, in a process that inherits `pass_fds` and no secret.

    Raises as `probe`.
    """
    told = _run(command, plate, limits, pass_fds)
    if told.probed is None:
        is_bloated = any(words in told.refusal for words in _NO_MEMORY)
        raise PlateError(_too_large(plate, limits) if is_bloated else told.refusal)
    _check(plate, told.probed, limits)
    return told.probed


def _run(command: list[str], plate: Path, limits: MediaLimits, pass_fds: tuple[int, ...]) -> Told:
    # One thread is enough, and each takes address space of its own.
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONNOUSERSITE": "1"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=limits.probe_s, check=False, pass_fds=pass_fds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PlateError(_too_slow(plate, limits)) from error
    try:
        if done.returncode in (0, _REFUSED):
            return msgspec.json.decode(done.stdout[:_MOST_TOLD_BYTES], type=Told)
    except msgspec.MsgspecError:
        pass  # told of below, as any other end
    raise PlateError(_why_it_ended(done, plate, limits))


def _why_it_ended(
    done: subprocess.CompletedProcess[bytes], plate: Path, limits: MediaLimits
) -> str:
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return _too_slow(plate, limits)
    words = done.stderr[-_MOST_TOLD_BYTES:].decode(errors="replace").strip()
    last = words.splitlines()[-1] if words else f"exit code {done.returncode}"
    if any(each in words for each in _NO_MEMORY):
        return _too_large(plate, limits)
    return f"{plate} broke what was to read it ({last[:200]}); it may be damaged, or made to"


def _too_large(plate: Path, limits: MediaLimits) -> str:
    return f"{plate} takes more than {limits.probe_memory_mib} MiB to look at; it may be made to"


def _too_slow(plate: Path, limits: MediaLimits) -> str:
    return f"{plate} takes more than {limits.probe_s:g} s to look at; it may be damaged, or made to"


def _check(plate: Path, probed: Probed, limits: MediaLimits) -> None:
    told = (
        ("pixels a frame", probed.width * probed.height, limits.most_pixels),
        ("frames", probed.frame_count, limits.most_frames),
        ("seconds", probed.duration_s, limits.most_duration_s),
    )
    for what, found, most in told:
        if found > most:
            raise PlateError(
                f"{plate} has {found:g} {what}, and {most:g} are the most here; cut or scale it, or"
                " ask the operator, whose rights.yaml has the limits"
            )


def _main(plate: Path, limits: MediaLimits) -> int:
    """What the other process does."""
    from bodyswap.media.index import index_clip

    give_up_means(limits)
    try:
        clip = index_clip(plate)
        told = Told(
            probed=Probed(
                frame_count=len(clip), width=clip.width, height=clip.height, codec=clip.codec,
                duration_s=float(clip.timeline.duration_s), first_number=clip.first_number,
                has_rate=clip.has_rate,
            )
        )  # fmt: skip
    except PlateError as error:
        told = Told(refusal=str(error))
    return tell(told)


def tell(told: Told) -> int:
    """Say it to whoever started this process; the exit code to end with."""
    sys.stdout.buffer.write(msgspec.json.encode(told))
    sys.stdout.buffer.flush()
    return 0 if told.probed else _REFUSED


def give_up_means(limits: MediaLimits) -> None:
    """No more memory than so much above what Python and its libraries have taken already."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    taken = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + limits.probe_memory_mib * _MIB,) * 2)
    seconds = int(limits.probe_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=MediaLimits)))
