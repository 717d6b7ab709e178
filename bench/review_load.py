"""How the review page stands 200 people at once: latency by path, and whether anything is lost.

A farm renders a film in one process; another serves the page over its store; 200 clients here poll
as browsers do: the changing part of the page, the timeline, the playlist and its segments, and a
frame. Every answer is checked: the number burnt into a frame, the size of a segment.
"""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/cluster")]

import httpx  # noqa: E402
import numpy as np  # noqa: E402
from film_farm import film_farm  # noqa: E402
from film_pipeline import frame_of  # noqa: E402
from PIL import Image  # noqa: E402

from tests.rights.tiny_papers import write_rights  # noqa: E402

CLIENTS = 200
ROUNDS = 5
PAUSE_S = 1.5


def main() -> None:
    """Print a line of figures a path."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["BODYSWAP_RIGHTS"] = str(write_rights(folder / "rights.yaml"))
        farm = film_farm(folder)
        job = farm.submit(frames=96, shards=8, frame_s=0.15)
        command = [
            sys.executable, "-m", "cluster.cli", "serve", "--address", "127.0.0.1:0", "--json",
            "--store", farm.store.url,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=environment, text=True
        ) as server:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            with farm.at_work():
                asyncio.run(_crowd(url, job))
            server.terminate()


async def _crowd(url: str, job: str) -> None:
    took: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        begun_s = time.perf_counter()
        await asyncio.gather(
            *(_person(client, job, number, took, wrong) for number in range(CLIENTS))
        )
        wall_s = time.perf_counter() - begun_s
    asked = sum(map(len, took.values()))
    print(f"{CLIENTS} clients, {asked} requests in {wall_s:.1f} s, {len(wrong)} wrong or lost")
    for kind, times_s in sorted(took.items()):
        median, most = np.percentile(times_s, 50) * 1000, np.percentile(times_s, 99) * 1000
        print(f"{kind:10s} {len(times_s):6d}  median {median:7.1f} ms  99th {most:7.1f} ms")
    for each in wrong[:5]:
        print("wrong:", each)
    sys.exit(bool(wrong))


async def _person(
    client: httpx.AsyncClient, job: str, number: int, took: dict[str, list[float]], wrong: list[str]
) -> None:
    async def get(kind: str, path: str, **headers: str) -> httpx.Response | None:
        begun_s = time.perf_counter()
        try:
            answer = await client.get(path, headers=headers)
        except httpx.HTTPError as error:
            wrong.append(f"{path}: {error!r}")
            return None
        took[kind].append(time.perf_counter() - begun_s)
        if answer.status_code not in (200, 206, 404) or (
            answer.status_code == 404 and kind != "playlist"
        ):
            wrong.append(f"{path}: {answer.status_code} {answer.text[:80]}")
        return answer

    await asyncio.sleep(PAUSE_S * number / CLIENTS)
    for turn in range(ROUNDS):
        await get("page", f"/jobs/{job}/live")
        await get("timeline", f"/api/jobs/{job}/timeline")
        index = (number * 7 + turn * 13) % 96
        shown = await get("frame", f"/media/{job}/plate/{1001 + index}.jpg")
        if shown is not None and shown.status_code == 200 and _frame(shown) != index:
            wrong.append(f"frame {1001 + index} shows {1001 + _frame(shown)}")
        listed = await get("playlist", f"/media/{job}/live.m3u8")
        parts = re.findall(r"BYTERANGE:(\d+)@(\d+)\n(\S+)", listed.text if listed else "")
        for size, start, name in parts[-1:]:
            wanted = f"bytes={start}-{int(start) + int(size) - 1}"
            part = await get("segment", f"/media/{job}/{name}", Range=wanted)
            if part is not None and (len(part.content) != int(size) or part.status_code != 206):
                wrong.append(f"{name}: {len(part.content)} of {size} bytes")
        await asyncio.sleep(PAUSE_S)


def _frame(answer: httpx.Response) -> int:
    return frame_of(np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")))


if __name__ == "__main__":
    main()
