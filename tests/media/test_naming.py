from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bodyswap.errors import UsageError
from bodyswap.media.frame_list import FrameList, ListedFrame
from bodyswap.media.naming import claim_version, deliver_as, latest_version


def _job(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    names = ["shot.1001.exr", "shot.1002.exr", "shot.json", "manifest.json", "slate.png"]
    for name in names:
        (folder / name).write_text(name)
    FrameList(
        frames=tuple(
            ListedFrame(name=name, number=number, pts=number, timecode="", sha256="")
            for number, name in enumerate(names[:2], start=1001)
        )
    ).write(folder / "shot.json")
    return [folder / name for name in names]


def test_a_delivery_is_named_as_a_compositor_expects(tmp_path: Path) -> None:
    made = deliver_as(_job(tmp_path / "job"), tmp_path / "out", "SHOT_0010_comp")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in made] == [
        f"SHOT_0010_comp_v001/SHOT_0010_comp_v001.{rest}"
        for rest in ("1001.exr", "1002.exr", "json", "manifest.json", "slate.png")
    ]
    assert made[0].read_text() == "shot.1001.exr"
    listed = FrameList.read(made[2]).frames
    assert [frame.name for frame in listed] == [path.name for path in made[:2]]


def test_an_existing_version_is_never_written_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "SHOT_0010_comp_v007.mov").write_text("somebody's own")
    (out / "SHOT_0010_comp_v012_old").mkdir()
    first = deliver_as(_job(tmp_path / "job"), out, "SHOT_0010_comp")
    second = deliver_as(_job(tmp_path / "job"), out, "SHOT_0010_comp")
    assert first[0].parent.name == "SHOT_0010_comp_v008"
    assert second[0].parent.name == "SHOT_0010_comp_v009"
    assert (out / "SHOT_0010_comp_v007.mov").read_text() == "somebody's own"
    assert latest_version(out, "SHOT_0010") == 0


def test_two_who_claim_at_once_get_two_versions(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as people:
        claimed = list(people.map(lambda _: claim_version(tmp_path, "SHOT_0010"), range(40)))
    assert len(set(claimed)) == 40
    assert latest_version(tmp_path, "SHOT_0010") == 40


@pytest.mark.parametrize("stem", ["", "../shot", "a b", ".hidden", "a/b"])
def test_what_is_no_name_is_refused(tmp_path: Path, stem: str) -> None:
    with pytest.raises(UsageError, match="cannot name a delivery"):
        claim_version(tmp_path, stem)
