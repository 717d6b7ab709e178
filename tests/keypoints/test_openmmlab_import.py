"""Each case imports in an interpreter of its own: what is imported once cannot be undone."""

import subprocess
import sys
from pathlib import Path

STAND_INS = ("xtcocotools", "mmcv._ext", "torchvision", "torchvision.transforms")


def _run(program: str, *folders: Path) -> str:
    code = "\n".join([f"import sys; sys.path[:0] = {[str(one) for one in folders]!r}", program])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_stand_in_is_left_behind() -> None:
    program = f"""
from bodyswap.keypoints.openmmlab_import import import_aids
with import_aids():
    inside = [name for name in {STAND_INS!r} if name in sys.modules]
print(len(inside) >= 2, [name for name in inside if 'mmpose' in sys.modules or name in sys.modules])
"""
    assert _run(program) == "True []"


def test_a_stand_in_refuses_to_work() -> None:
    program = """
from bodyswap.errors import ModelError
from bodyswap.keypoints.openmmlab_import import import_aids
with import_aids():
    import torchvision.transforms
    operator = torchvision.transforms.ToPILImage
try:
    operator()
except ModelError as error:
    print(error)
"""
    assert "not installed here; install torchvision" in _run(program)


def test_real_packages_are_used_untouched(tmp_path: Path) -> None:
    for name in ("torchvision", "mmcv"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("real = True\n")
    (tmp_path / "mmcv" / "_ext.py").write_text("real = True\n")
    program = """
from bodyswap.keypoints.openmmlab_import import import_aids
with import_aids():
    import torchvision, mmcv._ext
print(torchvision.real, mmcv._ext.real, 'torchvision' in sys.modules)
"""
    assert _run(program, tmp_path) == "True True True"


def test_a_torchvision_that_does_not_fit_torch_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    broken = "raise RuntimeError('operator torchvision::nms does not exist')\n"
    (tmp_path / "torchvision" / "__init__.py").write_text(broken)
    program = """
from bodyswap.keypoints.openmmlab_import import import_aids
with import_aids():
    import torchvision
    print(hasattr(torchvision, 'transforms'), end=' ')
print('torchvision' in sys.modules)
"""
    assert _run(program, tmp_path) == "True False"
