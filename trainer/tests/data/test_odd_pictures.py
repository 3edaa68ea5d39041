"""Pictures and clips as cameras, scanners and shops make them come out as people see them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy
import pytest
from PIL import Image

from kriptik_trainer.data.media import clip, picture

SIDE = 32


def scan(path: Path) -> None:
    """A grey of 16 bits, half as bright as white."""
    Image.fromarray(numpy.full((SIDE, SIDE), 0x8080, "uint16")).save(path, "PNG")


def product(path: Path) -> None:
    """Nothing but what can be seen through; what is stored there is black."""
    Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0)).save(path, "PNG")


def palette(path: Path) -> None:
    image = Image.new("P", (SIDE, SIDE), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.save(path, "PNG", transparency=0)


def printed(path: Path) -> None:
    """Without any ink."""
    Image.new("CMYK", (SIDE, SIDE), (0, 0, 0, 0)).save(path, "JPEG")


def moving(path: Path) -> None:
    frames = [Image.new("RGB", (SIDE, SIDE), colour) for colour in ("lime", "blue")]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (scan, (128, 128, 128)),
        (product, (255, 255, 255)),
        (palette, (255, 255, 255)),
        (printed, (255, 255, 255)),
        (moving, (0, 255, 0)),
    ],
)
def test_a_picture_has_the_colours_that_people_see(
    tmp_path: Path, draw: object, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "a.img"
    draw(path)  # type: ignore[operator]
    seen = picture(path)
    assert (seen.mode, seen.getpixel((3, 3))) == ("RGB", expected)


UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
QUARTER = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
"""How a track is to be shown: as it is, and turned by a quarter with the hands of a clock."""


def test_a_clip_of_a_telephone_is_the_right_way_up(tmp_path: Path) -> None:
    from kriptik_trainer.families.wan import write_clip  # noqa: PLC0415 - seconds

    frames = numpy.zeros((4, SIDE, 2 * SIDE, 3))
    frames[:, :, :SIDE, 0] = 1
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    write_clip(frames, plain)
    content = plain.read_bytes()
    place = content.index(UPRIGHT, content.index(b"tkhd"))
    turned.write_bytes(content[:place] + QUARTER + content[place + len(QUARTER) :])

    assert {frame.size for frame in clip(plain, 2)} == {(2 * SIDE, SIDE)}
    shown = clip(turned, 2)
    assert {frame.size for frame in shown} == {(SIDE, 2 * SIDE)}
    # The left half of what was filmed is the upper one.
    assert shown[0].getpixel((SIDE // 2, SIDE // 2))[0] > 200
    assert shown[0].getpixel((SIDE // 2, 2 * SIDE - SIDE // 2))[0] < 60


@pytest.mark.parametrize(
    ("filmed", "rate", "expected"),
    [
        (41, None, [0, 10, 20, 30, 40]),
        (41, 16, [18, 19, 20, 21, 22]),
        (41, 8, [16, 18, 20, 22, 24]),
        (3, 16, [0, 0, 1, 2, 2]),
    ],
    ids=["all over it", "at the speed it was filmed", "every other one", "all of a short one"],
)
def test_a_clip_keeps_its_speed(
    tmp_path: Path, filmed: int, rate: float | None, expected: list[int]
) -> None:
    from kriptik_trainer.families.wan import write_clip  # noqa: PLC0415 - seconds

    # Each frame shows its number as bars, one for each of six bits.
    bits = (numpy.arange(filmed)[:, None] >> numpy.arange(6)) & 1
    bars = numpy.repeat(bits, SIDE, axis=1)[:, None, :, None]
    write_clip(numpy.broadcast_to(bars, (filmed, SIDE, 6 * SIDE, 3)), tmp_path / "counted.mp4")

    shown = [numpy.asarray(frame) for frame in clip(tmp_path / "counted.mp4", 5, rate)]
    found = [one[SIDE // 2, SIDE // 2 :: SIDE, 0] > 127 for one in shown]
    assert [int(sum(1 << bit for bit in range(6) if read[bit])) for read in found] == expected
