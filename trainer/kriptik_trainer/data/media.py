"""Opening pictures and clips; sounds are in sounds.py. What cannot be read is left out and counted, up to a limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError

T = TypeVar("T")
Rows = list[tuple[str, Example]]
TOLERATED_SHARE = 0.1
NAMED = 5


class Unreadable(Exception):
    """A file that is no picture, clip or sound."""


def decode_all(
    rows: Rows, decode: Callable[[Example], T], warnings: list[str]
) -> list[tuple[Example, T]]:
    """Every row with what its file holds. Raises TrainerError `badMedia` where more than a tenth is bad."""
    good: list[tuple[Example, T]] = []
    bad: list[str] = []
    for _, example in rows:
        try:
            good.append((example, decode(example)))
        except Unreadable as problem:
            bad.append(f"{example.media}: {problem}")
    named = "; ".join(bad[:NAMED]) + ("; .." if len(bad) > NAMED else "")
    if len(bad) > max(1, TOLERATED_SHARE * len(rows)) or not good:
        raise TrainerError(
            "badMedia",
            f"{len(bad)} of {len(rows)} files cannot be read: {named}",
            str(rows[0][1].media) if rows else None,
            "Replace or remove these files.",
        )
    if bad:
        warnings.append(
            f"{len(bad)} of {len(rows)} files cannot be read and were left out: {named}"
        )
    return good


def picture(path: Path) -> Any:
    """A PIL image in RGB, the right way up. Raises Unreadable."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only where there are pictures

    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Unreadable(str(error).splitlines()[0]) from error


def bucket(width: int, height: int, resolution: int, multiple: int) -> tuple[int, int]:
    """(width, height) nearest in aspect, of an area of about `resolution` squared, in multiples."""
    aspect = width / height
    best_height = resolution / aspect**0.5
    best_width = best_height * aspect

    def rounded(value: float) -> int:
        return max(multiple, round(value / multiple) * multiple)

    return rounded(best_width), rounded(best_height)


def fitted(image: Any, size: tuple[int, int]) -> Any:
    """The image scaled to cover `size` and cut at the centre, as a tensor of 3 x H x W in -1..1."""
    import numpy  # noqa: PLC0415 - heavy
    import torch  # noqa: PLC0415
    from PIL import ImageOps  # noqa: PLC0415

    pixels = numpy.asarray(ImageOps.fit(image, size), dtype="float32")
    return torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1


def clip(path: Path, frames: int) -> list[Any]:
    """`frames` pictures spread evenly over a clip. Raises Unreadable."""
    import av  # noqa: PLC0415 - only where there are clips

    try:
        with av.open(str(path)) as container:
            found = [frame.to_image() for frame in container.decode(video=0)]
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise Unreadable(str(error).splitlines()[0]) from error
    if not found:
        raise Unreadable("there is no frame in it")
    last = len(found) - 1
    return [found[round(i * last / max(1, frames - 1))] for i in range(frames)]
