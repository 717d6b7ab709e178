"""Several real raylets: work goes where its resources are, and away from a node that leaves."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from raylets import Raylets

HERE = Path(__file__).parent
PLACES = 2 * (("--resources", '{"render_node": 1}'),)

TRIES = 20


def test_renders_stay_on_render_nodes_and_leave_one_that_is_drained(tmp_path: Path) -> None:
    nodes = [["--num-cpus", "1", *more] for more in PLACES]
    paths = os.pathsep.join([str(HERE.parent.parent), str(HERE)])
    with TemporaryDirectory(prefix="ray-") as short:
        raylets = Raylets(Path(short), nodes, {"PYTHONPATH": paths})
        with closing(raylets):
            command = [sys.executable, str(HERE / "placed_farm.py"), str(tmp_path), raylets.address]
            for _ in range(TRIES):
                ended = subprocess.run(
                    command,
                    env={**os.environ, **raylets.environment},
                    capture_output=True,
                    text=True,
                    timeout=600,
                    check=False,
                )
                # A slow machine's head is not up within the time that Ray looks for it.
                if not ended.returncode or "GCS" not in ended.stderr:
                    break
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["state"] == "published" and told["failures"] == []
    assert told["on"] == [True, True], "on one render node, and after it was drained on the other"
    assert told["left"] == 1
