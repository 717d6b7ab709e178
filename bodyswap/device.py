"""Which device the networks run on, and how steadily.

It does not know what runs there.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from bodyswap.config import Mode
from bodyswap.errors import UsageError
from bodyswap.steps import device_ran

Thing = TypeVar("Thing")


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes the first GPU, or the CPU where there is none.

    Raises:
        UsageError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device '{name}' is not to be had here; use auto, cpu or cuda") from error
    return device


@contextmanager
def steady_arithmetic(mode: Mode) -> Iterator[None]:
    """In exact mode, one CPU thread: how many there are changes the order of sums, and so the bits.

    Workers have fewer threads than a process of its own, and must give the same picture.
    """
    usual = torch.get_num_threads()
    if mode is Mode.EXACT:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def as_steadily(things: Iterable[Thing]) -> Iterator[Thing]:
    """`things`, made by as many CPU threads as the caller has, whichever thread takes them.

    PyTorch's count is a thread's own where OpenMP is used: a new one would have the machine's.
    """
    count = torch.get_num_threads()

    def made() -> Iterator[Thing]:
        torch.set_num_threads(count)
        yield from things

    return made()


@contextmanager
def on_device(device: torch.device | str) -> Iterator[None]:
    """Count how long the block's networks run on `device`: on a GPU by its own clock.

    For blocks that end with their result copied off the device, so that nothing is waited for.
    """
    if torch.device(device).type != "cuda":
        started_s = time.perf_counter()
        yield
        device_ran(time.perf_counter() - started_s)
        return
    begun, ended = (
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch's are partial
        for _ in range(2)
    )
    begun.record()
    yield
    ended.record()
    ended.synchronize()
    device_ran(begun.elapsed_time(ended) / 1000.0)
