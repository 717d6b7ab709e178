"""Float and 16-bit plates keep every bit outside the matte."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bodyswap.config import ColourSettings, RenderSettings
from bodyswap.decode import decode
from bodyswap.encode import codec_of
from bodyswap.errors import UsageError
from bodyswap.frames import RenderedFrame
from bodyswap.media.concat import concat
from bodyswap.media.exr import (
    Compression,
    FrameLabel,
    Part,
    read_exr,
    read_primaries,
    write_exr,
)
from bodyswap.media.index import in_colour, index_clip
from bodyswap.media.sequence import read_codes_16
from bodyswap.media.shown import codes_16
from bodyswap.media.working import HLG, LINEAR, PQ, PRIMARIES, Working
from bodyswap.nets.checkpoint import load_subject
from bodyswap.passes.fitting import check_deliverable
from bodyswap.passes.open_shot import OpenShot
from bodyswap.passes.plate_facts import PLATE_FACTS, facts_from
from bodyswap.passes.plate_recipe import pieces_for
from bodyswap.passes.traces import Traces
from bodyswap.quality.stage_transfer import (
    StageTransfer,
    film_transfer,
    stage_motion,
    stage_performer,
)
from bodyswap.replacing.make import Swap, make_recipe
from bodyswap.subjects import packaged_subjects
from tests.media.ffmpeg import run_ffmpeg, shown_by_ffmpeg

PX, COUNT = 96, 4


def _filmed() -> StageTransfer:
    rex, size = stage_performer("rex"), (PX, PX)
    return film_transfer(rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=size)


def _deliver(
    pattern: Path, folder: Path, codec: str, outside: str, colour: ColourSettings | None = None
) -> Path:
    """Rex replaced by himself in the frames at `pattern`: what was written."""
    clip = in_colour(index_clip(pattern), colour or ColourSettings())
    plate = np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])
    rex = stage_performer("rex")
    filmed = film_transfer(
        rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=(PX, PX)
    )
    poses = filmed.driving_poses
    swap = Swap(performer=poses, subject=filmed.true_poses, background_HW3=plate[0])
    recipe = make_recipe([swap], None, lambda index: plate[index])
    rendered = [
        RenderedFrame(
            rgb_HW3=np.asarray(filmed.truth.rgb_NHW3[i], np.uint8),
            matte_HW=filmed.truth.matte_NHW[i].astype(np.float32), index=i,
        )
        for i in range(COUNT)
    ]  # fmt: skip
    settings = RenderSettings(codec=codec, over="plate")
    shot = OpenShot(plate=clip, background_HW3=plate[0], settings=settings)
    pieces = pieces_for(shot, poses, recipe, Traces())
    out = folder / "out"
    out.mkdir()
    pieces.write(iter(rendered), clip.frames, out / f"segment{pieces.suffix}")
    facts = facts_from((out / PLATE_FACTS).read_bytes())
    assert [fact.differing_outside for fact in facts] == [0] * COUNT
    assert {(fact.outside, fact.inside) for fact in facts} == {(outside, "8-bit display values")}
    assert all(0.02 < fact.touched_share < 0.6 for fact in facts)
    return out


def _codes() -> npt.NDArray[np.uint16]:
    """The stage's film with 16 bits that 8 do not hold."""
    rex = stage_performer("rex")
    filmed = film_transfer(
        rex, rex, stage_motion("walk", COUNT), plate_px=PX, subject_size=(PX, PX)
    )
    low = np.random.default_rng(2).integers(-100, 100, filmed.driver.rgb_NHW3.shape)
    return (filmed.driver.rgb_NHW3.astype(int) * 257 + low).clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("output", ["auto", "lin_rec709"])
def test_an_aces_plate_stays_aces_light_or_becomes_the_light_asked_for(
    tmp_path: Path, output: str
) -> None:
    """In its own space not a bit changes outside the matte; in another, half floats round."""
    light = ((_codes() / 65535.0) ** 2.2 * 1.7).astype(np.float16)
    for index, picture in enumerate(light):
        channels = {name: picture[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=Fraction(24))
        part = Part(name="", channels=channels)
        path = tmp_path / f"plate.{1001 + index}.exr"
        write_exr(path, [part], label, Compression.ZIP, PRIMARIES["ACEScg"])
    out = _deliver(
        tmp_path / "plate.#.exr", tmp_path, "exr", "the file's own floats",
        ColourSettings(output=output),
    )  # fmt: skip
    delivered = "ACEScg" if output == "auto" else LINEAR
    due = Working(plate="ACEScg", output=delivered).light(light.reshape(-1, PX, 3))
    due = due.astype(np.float16).reshape(light.shape)
    for path, own in zip(sorted(out.glob("*.exr")), due, strict=True):
        assert Working.of_light(read_primaries(path)).plate == delivered
        parts = {part.name: part.channels for part in read_exr(path)}
        comp = np.dstack([parts["comp"][name] for name in "RGB"])
        same = (comp == own).all(axis=2)
        away = (parts["performer"]["A"] == 0) & (parts["matte"]["A"] == 0)
        grown = cv2.erode(away.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        assert grown.mean() > 0.3
        assert same[grown].all()


def test_a_log_plate_is_looked_at_as_light_and_comes_back_as_log(tmp_path: Path) -> None:
    working = Working().chosen(ColourSettings(input="ACEScct"))
    shown = (_codes() // 257).astype(np.uint8)
    log = working.put_back(shown.reshape(-1, PX, 3)).reshape(shown.shape)
    codes = np.rint(log.clip(0, 1) * 65535).astype(np.uint16)
    for index, picture in enumerate(codes):
        cv2.imwrite(str(tmp_path / f"plate.{1001 + index}.png"), picture[:, :, ::-1])
    pattern, colour = tmp_path / "plate.#.png", ColourSettings(input="ACEScct")
    clip = in_colour(index_clip(pattern), colour)
    seen = np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])
    assert np.abs(seen.astype(int) - shown).max() <= 1
    out = _deliver(pattern, tmp_path, "png", "16-bit display values", colour)
    for path, own in zip(sorted(out.glob("*.png")), codes, strict=True):
        found = read_codes_16(path)
        same = (found == own).all(axis=2)
        assert 0.4 < same.mean() < 0.98


def test_a_half_float_plate_keeps_its_floats_outside_the_matte(tmp_path: Path) -> None:
    light = ((_codes() / 65535.0) ** 2.2 * 1.7).astype(np.float16)
    for index, picture in enumerate(light):
        channels = {name: picture[:, :, place] for place, name in enumerate("RGB")}
        label = FrameLabel(number=1001 + index, rate=Fraction(24))
        path = tmp_path / f"plate.{1001 + index}.exr"
        write_exr(path, [Part(name="", channels=channels)], label, Compression.ZIP)
    out = _deliver(tmp_path / "plate.#.exr", tmp_path, "exr", "the file's own floats")
    for index, path in enumerate(sorted(out.glob("*.exr"))):
        parts = {part.name: part.channels for part in read_exr(path)}
        assert list(parts) == ["comp", "rgba", "matte", "cleanplate", "performer", "qc"]
        comp = np.dstack([parts["comp"][name] for name in "RGB"])
        assert comp.dtype == np.float16
        same = (comp == light[index]).all(axis=2)
        assert same.mean() > 0.4
        # No pixel that neither was the performer nor is the subject has changed.
        away = (parts["performer"]["A"] == 0) & (parts["matte"]["A"] == 0)
        grown = cv2.erode(away.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        assert same[grown].all()


def test_a_16_bit_plate_keeps_16_bits_outside_the_matte(tmp_path: Path) -> None:
    codes = _codes()
    for index, picture in enumerate(codes):
        cv2.imwrite(str(tmp_path / f"plate.{1001 + index}.png"), picture[:, :, ::-1])
    out = _deliver(tmp_path / "plate.#.png", tmp_path, "png", "16-bit display values")
    written = sorted(out.glob("*.png"))
    assert len(written) == COUNT
    for picture, path in zip(codes, written, strict=True):
        same = (read_codes_16(path) == picture).all(axis=2)
        assert 0.4 < same.mean() < 0.98


TRANSFERS = {PQ: "smpte2084", HLG: "arib-std-b67"}
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
HDR10 = ("-c:v", "libx265", "-x265-params",
         f"lossless=1:log-level=error:max-cll=1000,400:master-display={DISPLAY}")  # fmt: skip
HLG_HEVC = ("-c:v", "libx265", "-x265-params", "lossless=1:log-level=error")
PRORES = ("-c:v", "prores_ks", "-profile:v", "hq")


def _hdr_plate(folder: Path, space: str, words: tuple[str, ...]) -> Path:
    """The stage's film as another program codes it, of light up to about 300 cd/m2."""
    working = Working().chosen(ColourSettings(input=space))
    shown = (_codes() // 257).astype(np.uint8)
    codes = working.put_back(shown.reshape(-1, PX, 3)).clip(0, 1).reshape(shown.shape)
    raw = np.rint(codes * 65535).astype("<u2")
    path = folder / ("plate.mov" if words is PRORES else "plate.mp4")
    depth = "yuv422p10le" if words is PRORES else "yuv420p10le"
    tags = f"setparams=color_primaries=bt2020:color_trc={TRANSFERS[space]}:colorspace=bt2020nc"
    run_ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{PX}x{PX}", "-r", "24", "-i", "-",
        "-vf", f"scale=out_color_matrix=bt2020nc:out_range=limited,format={depth},{tags}", *words,
        path, fed=[raw.tobytes()],
    )  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("space", "words", "codec"),
    [
        (PQ, HDR10, "hevc-10"), (PQ, HDR10, "h264-10"), (HLG, HLG_HEVC, "hevc-10"),
        (PQ, PRORES, "prores-hq"), (HLG, PRORES, "dnxhr-hqx"),
    ],
)  # fmt: skip
def test_an_hdr_plate_stays_hdr_with_all_that_it_says_of_itself(
    tmp_path: Path, space: str, words: tuple[str, ...], codec: str
) -> None:
    plate = index_clip(_hdr_plate(tmp_path, space, words))
    assert (plate.working.plate, plate.bits) == (space, 10)
    settings = RenderSettings(codec=codec, over="plate")
    if codec == "dnxhr-hqx":
        # Too small for DNxHR: what is asked is whether its tags are the plate's.
        assert codec_of(settings, plate).colour == plate.colour
        return
    out = _deliver(plate.path, tmp_path, codec, "10-bit display values")
    (segment,) = out.glob("segment.*")
    shot = tmp_path / f"shot{segment.suffix}"
    concat([segment], plate.timeline, shot, plate=plate)
    delivered = index_clip(shot)
    assert delivered.colour == plate.colour
    assert delivered.custody.hdr == plate.custody.hdr
    assert (plate.custody.hdr is not None) == (words is HDR10)
    told = shown_by_ffmpeg(shot)
    assert TRANSFERS[space] in told
    assert ("Mastering display" in told) == (words is HDR10)
    assert ("MaxCLL=1000, MaxFALL=400" in told) == (words is HDR10)
    facts = facts_from((out / PLATE_FACTS).read_bytes())
    for index, (was, now) in enumerate(
        zip(codes_16(plate, plate.frames), codes_16(delivered, plate.frames), strict=True)
    ):
        off = np.abs(now.astype(int) - was).max(axis=2) / 64  # in 10-bit steps
        # What coding alone does; a tone-mapped or retagged picture is hundreds of steps off.
        assert np.percentile(off, 100 * (1 - facts[index].touched_share) - 2) < 16


@pytest.mark.parametrize(("space", "words"), [(PQ, HDR10), (HLG, HLG_HEVC)])
def test_hdr_in_png_says_what_it_is_and_keeps_every_value_outside_the_matte(
    tmp_path: Path, space: str, words: tuple[str, ...]
) -> None:
    plate = index_clip(_hdr_plate(tmp_path, space, words))
    out = _deliver(plate.path, tmp_path, "png", "10-bit display values")
    told = shown_by_ffmpeg(out / "shot.1001.png")
    assert f"gbr/bt2020/{TRANSFERS[space]}" in told and "rgb48be(pc" in told
    assert ("Mastering display" in told) == (words is HDR10)
    assert ("MaxCLL=1000, MaxFALL=400" in told) == (words is HDR10)
    delivered = index_clip(out / "shot.#.png")
    assert (delivered.working, delivered.custody.hdr) == (plate.working, plate.custody.hdr)
    facts = facts_from((out / PLATE_FACTS).read_bytes())
    for index, (path, own) in enumerate(
        zip(delivered.files, codes_16(plate, plate.frames), strict=True)
    ):
        same = (read_codes_16(path) == own).all(axis=2)
        assert same.mean() > 1 - facts[index].touched_share - 1e-6  # which is rounded
    seen, was = (
        np.concatenate([batch.rgb_NHW3 for batch in decode(clip, clip.frames)])
        for clip in (delivered, plate)
    )
    assert np.percentile(np.abs(seen.astype(int) - was), 50) == 0
    # A plate of such frames is HDR in its turn.
    (tmp_path / "again").mkdir()
    with pytest.raises(UsageError, match="is HDR"):
        codec_of(RenderSettings(codec="h264", over="plate"), delivered)


@pytest.mark.parametrize(
    ("words", "codec", "complaint"),
    [
        (HDR10, "h264", "has 8 bits a value"),
        (HDR10, "ffv1", "has 8 bits a value"),
        (HDR10, "prores-hq", "does not carry its mastering display"),
        (HDR10, "prores-4444", "holds the subject cut out"),
        (HDR10, "tiff", "does not tell how its values are meant"),
    ],
)
def test_what_would_lose_hdr_is_refused_with_the_reason(
    tmp_path: Path, words: tuple[str, ...], codec: str, complaint: str
) -> None:
    plate = index_clip(_hdr_plate(tmp_path, PQ, words))
    settings = RenderSettings(codec=codec, over="plate")
    with pytest.raises(UsageError, match=rf"plate.mp4 is HDR \(Rec.2100-PQ\).*{complaint}"):
        check_deliverable(plate, load_subject(packaged_subjects()["vega"], "cpu"), settings)
    check_deliverable(
        plate, load_subject(packaged_subjects()["vega"], "cpu"), RenderSettings(codec=codec)
    )
