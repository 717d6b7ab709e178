"""A mark is read again from what is left of it, and never from where it is not."""

import cv2
import numpy as np
import pytest

from bodyswap.errors import UsageError
from bodyswap.frames import RGB
from bodyswap.rights.mark import PAYLOAD_BITS, Mark, payload_of
from bodyswap.rights.watermark import Watermark, detect

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
