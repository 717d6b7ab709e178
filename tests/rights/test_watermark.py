"""A mark is read again from what is left of it, and never from where it is not."""

import cv2
import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.rights.mark import PAYLOAD_BITS, Mark, payload_of
from bodyswap.rights.moving import moving_parts
from bodyswap.rights.watermark import PEOPLE, Watermark
from bodyswap.rights.watermark_reader import detect, detect_in_what_moves

KEY = b"a key"
PAYLOAD = payload_of("0123456789abcdef")


def _pictures(count: int, *, seed: int = 0) -> list[RGB]:
    """Clouds with grain and hard edges, and something that moves."""
    chance = np.random.default_rng(seed)
    clouds = cv2.resize(chance.integers(40, 210, (12, 18, 3)).astype(np.float32), (960, 600))
    clouds[100:300, 200:420] = (200, 60, 40)
    made = []
    for index in range(count):
        picture = clouds + chance.normal(0, 2, clouds.shape)
        picture[320:400, 40 * index : 40 * index + 90] = (20, 30, 60)
        made.append(np.clip(picture, 0, 255).astype(np.uint8))
    return made


def _marked(count: int) -> list[RGB]:
    mark = Watermark(Mark(key=KEY, payload=PAYLOAD))
    return [mark.mark(picture) for picture in _pictures(count)]


def _coded(picture: RGB, quality: int) -> RGB:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _payload(pictures: list[RGB], key: bytes = KEY) -> int | None:
    found = detect(pictures, key)
    return None if found is None else found.payload


def test_a_mark_is_read_from_one_frame_and_hardly_changes_it() -> None:
    (plain,), (marked,) = _pictures(1), _marked(1)
    assert _payload([marked]) == PAYLOAD
    error = float(np.mean((marked.astype(np.float32) - plain) ** 2))
    assert 10 * np.log10(255**2 / error) > 42
    assert np.abs(marked.astype(int) - plain).max() <= 20


def test_a_mark_outlives_cropping_scaling_and_coding() -> None:
    marked = _marked(4)
    cropped = [picture[37:-51, 83:-120] for picture in marked]
    half = [
        cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for picture in marked
    ]
    assert _payload(cropped) == PAYLOAD
    assert _payload([_coded(picture, 60) for picture in cropped]) == PAYLOAD
    found = detect(half, KEY)
    assert found is not None and (found.payload, found.scale) == (PAYLOAD, 0.5)
    assert _payload([_coded(picture, 80) for picture in half]) == PAYLOAD


def test_nothing_is_found_where_nothing_was_put_or_under_another_key() -> None:
    assert _payload(_pictures(4)) is None
    assert _payload(_marked(2), b"another key") is None
    assert detect([], KEY) is None
    flat = np.full((300, 300, 3), 128, np.uint8)
    assert _payload([flat]) is None
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(0, 255, (256, 320, 3), np.uint8)
        assert detect([noise], KEY, scales=(1.0,)) is None


def test_each_payload_is_read_as_itself() -> None:
    (plain,) = _pictures(1, seed=3)
    for payload in (0, 1, (1 << PAYLOAD_BITS) - 1, PAYLOAD):
        assert _payload([Watermark(Mark(key=KEY, payload=payload)).mark(plain)]) == payload
    with pytest.raises(UsageError, match="it has 40 bits"):
        Mark(key=KEY, payload=1 << PAYLOAD_BITS)


def test_workers_mark_alike() -> None:
    (plain,) = _pictures(1)
    one, other = (Watermark(Mark(key=KEY, payload=PAYLOAD)).mark(plain) for _ in range(2))
    assert np.array_equal(one, other)


def test_a_flat_wall_changes_by_one_level_at_most_even_beside_something_busy() -> None:
    wall = np.full((480, 640, 3), 150, np.uint8)
    wall[200:280, 300:420] = np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8)
    change = Watermark(Mark(key=KEY, payload=PAYLOAD)).mark(wall).astype(int) - wall
    flat = np.ones((480, 640), bool)
    flat[196:284, 296:424] = False
    assert np.abs(change[flat][:, :2]).max() == 1
    assert np.abs(change[flat][:, 2]).max() <= 2
    assert change[210:270, 310:410, 0].std() > 4 * change[flat][:, 0].std()


def _people_before_a_set(count: int, *, is_marked: bool = True) -> list[RGB]:
    """Somebody of about 100x220 pixels walks before a grainy set, of which no pixel is marked."""
    chance = np.random.default_rng(5)
    clouds = cv2.resize(chance.integers(40, 210, (30, 50, 3)).astype(np.float32), (800, 480))
    empty = np.clip(clouds + chance.normal(0, 5, clouds.shape), 0, 255).astype(np.uint8)
    cloth = np.clip(chance.normal((150, 90, 120), 6, (220, 100, 3)), 0, 255).astype(np.uint8)
    mark, made = Watermark(Mark(key=KEY, payload=PAYLOAD)), []
    for index in range(count):
        picture, left = empty.copy(), 40 + 11 * index
        picture[200:420, left : left + 100] = cloth
        if is_marked:
            marked = mark.mark(picture, PEOPLE)
            picture[200:420, left : left + 100] = marked[200:420, left : left + 100]
        made.append(picture)
    return made


def test_a_small_person_in_an_unmarked_set_is_read_from_what_moves() -> None:
    pictures = _people_before_a_set(48)
    found = detect_in_what_moves(pictures, KEY, scales=(1.0,))
    assert found is not None and found.payload == PAYLOAD
    assert detect_in_what_moves(pictures, b"another key", scales=(1.0,)) is None
    plain = _people_before_a_set(48, is_marked=False)
    assert detect_in_what_moves(plain, KEY, scales=(1.0,)) is None


def test_of_what_moves_nothing_is_told_where_all_does_or_nothing() -> None:
    (still,) = _pictures(1)
    rolling = [np.roll(still, 60 * index, axis=1) for index in range(10)]
    for pictures in ([], _marked(1), [still] * 10, rolling):
        assert moving_parts(pictures) is None
    parts = moving_parts(_people_before_a_set(40))
    assert parts is not None and len(parts.places) == 2
    seen = parts.masks[4]
    assert seen[230:390, 90:180].mean() > 0.95 and seen[:, :70].max() == 0
