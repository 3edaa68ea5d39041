"""Opening pictures and clips. What cannot be read is left out and counted, up to a limit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError

T = TypeVar("T")
Rows = list[tuple[str, Example]]
TOLERATED_SHARE = 0.1
NAMED = 5
CLIP_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".gif")
WIDEST = 4.0
"""Pictures that are longer than so many times their other side are cut at the ends."""
MOST_PIXELS = 1 << 27
"""Of a picture or frame: a header that claims more is damaged, or meant to fill the memory."""
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    IndexError,
    KeyError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What decoders raise at files that are cut off, damaged or of another kind."""


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


def first_line(error: Exception) -> str:
    """An error in a line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def refuse_huge(width: int, height: int) -> None:
    """Raises Unreadable for more pixels than MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise Unreadable(f"{width} x {height} pixels are too many")


def picture(path: Path) -> Any:
    """A PIL image in RGB, the right way up. Raises Unreadable."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only where there are pictures

    try:
        with Image.open(path) as image:
            refuse_huge(image.width, image.height)
            return _in_colour(ImageOps.exif_transpose(image))
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise Unreadable(first_line(error)) from error


def _in_colour(image: Any) -> Any:
    """A picture in RGB. What can be seen through lies on white, as pages show it: what is stored there is
    often black. Greys of 16 bits are brought to 8; the library alone would make almost all of them white."""
    from PIL import Image  # noqa: PLC0415 - only where there are pictures

    if image.mode.startswith("I"):
        import numpy  # noqa: PLC0415 - heavy

        grey = numpy.asarray(image).astype("int64").clip(0, 65535) // 257
        return Image.fromarray(grey.astype("uint8")).convert("RGB")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image.convert("RGB")


def bucket(width: int, height: int, resolution: int, multiple: int) -> tuple[int, int]:
    """(width, height) nearest in aspect, of an area of about `resolution` squared, in multiples."""
    aspect = min(WIDEST, max(1 / WIDEST, width / height))
    best_height = resolution / aspect**0.5
    best_width = best_height * aspect

    def rounded(value: float) -> int:
        return max(multiple, round(value / multiple) * multiple)

    return rounded(best_width), rounded(best_height)


def cut(image: Any, size: tuple[int, int]) -> Any:
    """The image scaled to cover `size` and cut at the centre."""
    from PIL import ImageOps  # noqa: PLC0415 - only where there are pictures

    return ImageOps.fit(image, size)


def fitted(image: Any, size: tuple[int, int]) -> Any:
    """The image scaled to cover `size` and cut at the centre, as a tensor of 3 x H x W in -1..1."""
    import numpy  # noqa: PLC0415 - heavy
    import torch  # noqa: PLC0415

    pixels = numpy.asarray(cut(image, size), dtype="float32")
    return torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1


def clip(path: Path, frames: int, rate: float | None = None) -> list[Any]:
    """`frames` pictures of a clip, in RGB: without a rate spread evenly over all of it, else `rate` of them a
    second out of its middle, where it is long enough, so that what moves does so at its own speed. Raises
    Unreadable."""
    import av  # noqa: PLC0415 - only where there are clips

    try:
        # Twice through the clip: pictures of all its frames at once might not fit the memory.
        with av.open(str(path)) as container:
            last = sum(1 for _ in _frames(container)) - 1
            filmed = container.streams.video[0].average_rate
        if last < 0:
            raise Unreadable("there is no frame in it")
        wanted = _spread(last, frames, float(filmed / rate) if rate and filmed else None)
        needed = set(wanted)
        with av.open(str(path)) as container:
            found = {
                # A telephone held upright films sideways, and notes it.
                index: frame.to_image().convert("RGB").rotate(frame.rotation, expand=True)
                for index, frame in enumerate(_frames(container))
                if index in needed
            }
        return [found[index] for index in wanted]
    except (av.FFmpegError, *BROKEN) as error:
        raise Unreadable(first_line(error)) from error


def _spread(last: int, frames: int, pace: float | None) -> list[int]:
    """Numbers of `frames` frames of 0..`last`: `pace` apart around the middle where they fit, else all over
    it."""
    span = (frames - 1) * pace if pace else last
    first = (last - span) / 2
    if first < 0:
        first, span = 0, last
    return [round(first + i * span / max(1, frames - 1)) for i in range(frames)]


def _frames(container: Any) -> Iterator[Any]:
    """The frames of a clip's first stream of pictures."""
    if not container.streams.video:
        raise Unreadable("there is no video in it")
    codec = container.streams.video[0].codec_context
    refuse_huge(codec.width, codec.height)
    yield from container.decode(video=0)
