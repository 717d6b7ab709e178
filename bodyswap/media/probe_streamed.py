"""Look at a clip that is read where it lies, in a process of its own that may not take much.

    python -m bodyswap.media.probe_streamed QUESTION     what the other process runs

That process cannot reach what the clip lies in: it asks for bytes by a socket, and whoever started
it answers. It reads the header and decodes the first and the last frame; the rest of the clip is
held to the hashes it came with.
"""

import contextlib
import socket
import struct
import sys
import threading
from pathlib import Path

import msgspec

from bodyswap.errors import BodyswapError, PlateError
from bodyswap.media.index import index_from_bytes
from bodyswap.media.probe import MediaLimits, Probed, Told, give_up_means, looked_at, tell
from bodyswap.media.seek import frames_from, frames_in_order
from bodyswap.media.streamed import BLOCK_BYTES, StreamedFile, StreamedPath, read_exactly

_RANGE = struct.Struct("<QQ")


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """`claimed` is what the clip's index says it is; `last_pts` is None where it goes untimed."""

    socket: int
    name: str
    size_bytes: int
    last_pts: int | None
    claimed: Probed
    limits: MediaLimits


def probe_streamed(plate: StreamedPath, limits: MediaLimits) -> Probed:
    """What the clip's index says it is, found true of its ends by a process that is thrown away.

    Raises:
        PlateError: it is not, cannot be read, took too long or too much, or is beyond the limits.
        StoreError: its bytes could not be fetched.
    """
    clip = index_from_bytes(plate.index)
    here, there = socket.socketpair()
    question = _Question(
        socket=there.fileno(), name=plate.name, size_bytes=plate.file.size_bytes,
        last_pts=clip.timeline.pts[-1] if clip.has_frame_times else None, limits=limits,
        claimed=Probed(
            frame_count=len(clip), width=clip.width, height=clip.height, codec=clip.codec,
            duration_s=float(clip.timeline.duration_s), first_number=clip.first_number,
            has_rate=clip.has_rate,
        ),
    )  # fmt: skip
    troubles: list[BodyswapError] = []
    answering = threading.Thread(target=_answer, args=(here, plate.file, troubles), daemon=True)
    answering.start()
    command = [sys.executable, "-m", "bodyswap.media.probe_streamed"]
    try:
        return looked_at(
            [*command, msgspec.json.encode(question).decode()],
            plate, limits, pass_fds=(there.fileno(),),
        )  # fmt: skip
    except PlateError:
        if troubles:
            raise troubles[0] from None
        raise
    finally:
        there.close()
        answering.join()


def _answer(end: socket.socket, file: StreamedFile, troubles: list[BodyswapError]) -> None:
    """Give the bytes asked for until nobody asks any more."""
    # The other process may end at any moment, on purpose or not.
    with end, end.makefile("rwb") as stream, contextlib.suppress(OSError):
        while len(asked := stream.read(_RANGE.size)) == _RANGE.size:
            start, stop = _RANGE.unpack(asked)
            if not start <= stop <= min(file.size_bytes, start + BLOCK_BYTES):
                return
            try:
                data = b"".join(read_exactly(file, start, stop))
            except BodyswapError as error:
                troubles.append(error)
                return
            stream.write(data)
            stream.flush()


def _main(question: _Question) -> int:
    """What the other process does."""
    give_up_means(question.limits)
    lock = threading.Lock()
    with socket.socket(fileno=question.socket) as end, end.makefile("rwb") as stream:

        def fetch(start: int, stop: int) -> bytes:
            with lock:
                stream.write(_RANGE.pack(start, stop))
                stream.flush()
                return stream.read(stop - start)

        file = StreamedFile(question.name, question.size_bytes, fetch)
        try:
            _look(StreamedPath.of(question.name, file), question)
            return tell(Told(probed=question.claimed))
        except BodyswapError as error:
            return tell(Told(refusal=str(error)))


def _look(plate: Path, question: _Question) -> None:
    claimed = question.claimed
    first = next(frames_in_order(plate), None)
    if first is None:
        raise PlateError(f"{plate} is damaged: its first frame does not decode; submit it again")
    if {first.width, first.height} != {claimed.width, claimed.height}:
        raise PlateError(
            f"{plate} is {first.width}x{first.height}, and its record says"
            f" {claimed.width}x{claimed.height}: they are not of one clip; submit it again"
        )
    if question.last_pts is None:
        return
    last = next(frames_from(plate, question.last_pts), None)
    if last is None or last.is_corrupt or last.pts != question.last_pts:
        raise PlateError(
            f"{plate} is damaged: the last of its {claimed.frame_count} frames does not decode;"
            " submit it again"
        )


if __name__ == "__main__":
    sys.exit(_main(msgspec.json.decode(sys.argv[1], type=_Question)))
