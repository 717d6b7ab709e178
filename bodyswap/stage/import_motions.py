"""Convert DeepMimic motion clips, as pybullet_data carries them, to the stage's archive.

    python -m bodyswap.stage.import_motions FOLDER_OF_HUMANOID3D_TXT

A clip's frame is 44 numbers: duration, root position (3), root rotation (4), then chest 4, neck 4,
right hip 4, knee 1, ankle 4, shoulder 4, elbow 1, and the left side's; quaternions are w, x, y, z.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from bodyswap.stage.mocap import ARCHIVE, Floats64

_NUMBERS_PER_JOINT = (4, 4, 4, 4, 1, 4, 4, 1, 4, 1, 4, 4, 1)


def read_clip(path: Path) -> dict[str, Floats64]:
    """The clip's `time`, `root` and `rotation` arrays, shaped as `Motion` has them."""
    frames = np.array(json.loads(path.read_text())["Frames"], dtype=np.float64)
    # A frame's duration tells how long it stands, so the first one is at 0.
    time = np.concatenate([[0.0], np.cumsum(frames[:-1, 0])])
    rotations, column = [], 4
    for size in _NUMBERS_PER_JOINT:
        rotations.append(_rotation(frames[:, column : column + size]))
        column += size
    kept = np.concatenate([[True], np.diff(time) > 0])
    return {
        "time": time[kept],
        "root": frames[kept, 1:4],
        "rotation": np.stack(rotations, axis=1)[kept],
    }


def import_motions(folder: Path, archive: Path = ARCHIVE) -> int:
    """Write every humanoid3d clip of `folder` to `archive`; the number of clips."""
    arrays = {}
    for path in sorted(folder.glob("humanoid3d_*.txt")):
        name = path.stem.removeprefix("humanoid3d_")
        for key, array in read_clip(path).items():
            arrays[f"{name}/{key}"] = array.astype(np.float32)
    np.savez_compressed(archive, allow_pickle=False, **arrays)
    return len(arrays) // 3


def _rotation(numbers: Floats64) -> Floats64:
    if numbers.shape[1] == 1:  # a hinge about the axis to the right
        return Rotation.from_rotvec(numbers * np.array([[0.0, 0.0, 1.0]])).as_quat()
    return Rotation.from_quat(numbers[:, [1, 2, 3, 0]]).as_quat()


if __name__ == "__main__":
    count = import_motions(Path(sys.argv[1]))
    sys.stdout.write(f"{count} clips in {ARCHIVE}\n")
