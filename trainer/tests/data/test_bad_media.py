"""Pictures and clips that are damaged, of another kind or far too large: left out, never a crash."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from kriptik_trainer.data import media
from kriptik_trainer.data.media import Unreadable, bucket, clip, decode_all, picture
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError

SIDE = 32


def noise(seed: int = 0) -> numpy.ndarray[Any, Any]:
    return numpy.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype="uint8")


def encoded(format: str) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(noise()).save(sink, format)
    return sink.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises a picture of this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def movie(path: Path, frames: int = 6) -> bytes:
    from kriptik_trainer.families.wan import write_clip  # noqa: PLC0415 - seconds

    write_clip(numpy.stack([noise(i) / 255 for i in range(frames)]), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return movie(tmp_path_factory.mktemp("clips") / "good.mp4")


PNG, JPEG = encoded("PNG"), encoded("JPEG")
BAD_PICTURES = {
    "empty": b"",
    "text": b"no picture at all",
    "web page under the name of a picture": b"<!doctype html><title>404</title>",
    "cut-off PNG": PNG[: len(PNG) // 2],
    "cut-off JPEG": JPEG[: len(JPEG) // 2],
    "header only": PNG[:33],
    "bomb": png_that_claims(60_000, 60_000),
    "large for a picture to learn from": png_that_claims(12_000, 12_000),
    "side of zero": png_that_claims(0, 8),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("content", BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
def test_a_bad_picture_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        picture(path)
    assert str(caught.value).strip()


def test_a_picture_that_is_gone_or_a_folder_is_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(Unreadable):
            picture(path)


def bad_clips(good: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "text": b"no clip at all",
        "cut off": good[: len(good) // 2],
        "first bytes": good[:64],
        "sound alone": wav(),
        "picture in pieces": PNG[:40],
    }


def wav() -> bytes:
    samples = b"\0\0" * 800
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 36 + 1600, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16
    )
    return head + struct.pack("<4sI", b"data", 1600) + samples


@pytest.mark.parametrize("name", bad_clips(b""))
def test_a_bad_clip_is_unreadable(tmp_path: Path, mp4: bytes, name: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(bad_clips(mp4)[name])
    with pytest.raises(Unreadable) as caught:
        clip(path, 4)
    assert str(caught.value).strip()


def test_frames_that_are_far_too_large_are_not_decoded(
    tmp_path: Path, mp4: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(mp4)
    assert len(clip(path, 4)) == 4
    monkeypatch.setattr(media, "MOST_PIXELS", SIDE * SIDE - 1)
    with pytest.raises(Unreadable, match="32 x 32 pixels are too many"):
        clip(path, 4)


def test_frames_are_spread_over_a_clip(tmp_path: Path) -> None:
    movie(tmp_path / "a.mp4", 9)
    every = [numpy.asarray(frame) for frame in clip(tmp_path / "a.mp4", 9)]
    some = [numpy.asarray(frame) for frame in clip(tmp_path / "a.mp4", 3)]
    more = [numpy.asarray(frame) for frame in clip(tmp_path / "a.mp4", 17)]

    for frame, expected in zip(some, (every[0], every[4], every[8]), strict=True):
        numpy.testing.assert_array_equal(frame, expected)
    assert len(more) == 17
    numpy.testing.assert_array_equal(more[16], every[8])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_any_damage_to_a_picture_is_told_as_such(tmp_path: Path, format: str) -> None:
    harmed(tmp_path / "a.img", encoded(format), picture, 150)


def test_any_damage_to_a_clip_is_told_as_such(tmp_path: Path, mp4: bytes) -> None:
    harmed(tmp_path / "a.mp4", mp4, lambda path: clip(path, 3), 60)


def harmed(path: Path, good: bytes, decode: Callable[[Path], Any], times: int) -> None:
    """Flips bytes and cuts; whatever comes of it is a picture or Unreadable."""
    draw = random.Random(3)
    refused = 0
    for _ in range(times):
        content = bytearray(good)
        for _ in range(draw.randint(1, 6)):
            content[draw.randrange(min(len(content), 400))] = draw.randrange(256)
        path.write_bytes(content[: draw.randint(1, len(content))])
        try:
            decode(path)
        except Unreadable:
            refused += 1
    assert refused > times / 10


def test_rows_with_bad_files_are_counted_up_to_a_tenth_and_then_named(tmp_path: Path) -> None:
    rows = []
    for index in range(20):
        path = tmp_path / f"{index:02}.png"
        bad = list(BAD_PICTURES.values())[index] if index < 2 else PNG
        path.write_bytes(bad)
        rows.append(("data", Example(index, None, "c", media=path)))
    warnings: list[str] = []
    assert len(decode_all(rows, opened, warnings)) == 18
    assert "2 of 20 files" in warnings[0]
    (tmp_path / "02.png").write_bytes(BAD_PICTURES["bomb"])
    with pytest.raises(TrainerError) as caught:
        decode_all(rows, opened, [])
    assert caught.value.code == "badMedia"
    for name in (
        "3 of 20 files",
        "00.png",
        "01.png",
        "02.png",
        "3600000000 pixels",
    ):
        assert name in caught.value.message


def opened(example: Example) -> Any:
    assert example.media is not None
    return picture(example.media)


@pytest.mark.parametrize(("width", "height"), [(10_000, 1), (1, 10_000)])
def test_a_sliver_does_not_become_a_giant(width: int, height: int) -> None:
    assert max(bucket(width, height, 512, 8)) == 1024
