"""Opening and writing sounds. A file that would teach the model something wrong is as bad as none."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from kriptik_trainer.data.media import Unreadable

SILENCE = 1e-4
"""Root mean square (full scale is 1) below which nothing can be heard: -80 dB."""
LOWEST_RATE = 4_000
HIGHEST_RATE = 768_000
"""Samples a second of the slowest telephone and the fastest converters; beyond them a header is wrong."""


def sound(
    path: Path,
    rate: int,
    seconds: float,
    channels: int = 1,
    *,
    shortest: float = 0.0,
    longest: float | None = None,
) -> Any:
    """Samples as channels x n at `rate`, at most `seconds` of them, whatever rate the file has.

    Raises Unreadable for a file that is empty, cut off, silent, of a rate that no sound has, or whose
    length in seconds is below `shortest` or above `longest`.
    """
    import torch  # noqa: PLC0415 - heavy
    import torchaudio  # noqa: PLC0415 - only where there are sounds

    samples, own_rate = _read(path)
    length = len(samples) / own_rate
    if length < shortest:
        raise Unreadable(
            f"it is {length:.2f} seconds long, and less than {shortest:g} is too short"
        )
    if longest is not None and length > longest:
        raise Unreadable(f"it is {length:.1f} seconds long, and more than {longest:g} is too long")
    tensor = torch.from_numpy(samples.T[:, : max(1, int(seconds * own_rate))].copy())
    if not bool(torch.isfinite(tensor).all()):
        raise Unreadable("it holds samples that are no numbers")
    if float(tensor.square().mean().sqrt()) < SILENCE:
        raise Unreadable("it is silent")
    if channels != len(tensor):
        tensor = tensor.mean(0, keepdim=True).expand(channels, -1)
    return torchaudio.functional.resample(tensor.contiguous(), own_rate, rate)


def _read(path: Path) -> tuple[Any, int]:
    """(samples as n x channels, samples a second) of a whole file. Raises Unreadable."""
    import soundfile  # noqa: PLC0415 - only where there are sounds

    try:
        _check_whole(path)
        with soundfile.SoundFile(path) as file:
            told, own_rate = int(file.frames), int(file.samplerate)
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise Unreadable(str(error).splitlines()[0]) from error
    if not LOWEST_RATE <= own_rate <= HIGHEST_RATE:
        raise Unreadable(f"its header says {own_rate} samples a second, which no sound has")
    if not len(samples):
        raise Unreadable("there is no sound in it")
    if len(samples) < told:
        raise Unreadable(f"it is cut off: {len(samples)} of {told} samples are there")
    return samples, own_rate


def _check_whole(path: Path) -> None:
    """Refuses a WAV that ends before its header says. Decoders read what is there and do not tell."""
    with path.open("rb") as file:
        head = file.read(8)
    size = path.stat().st_size
    if not size:
        raise Unreadable("the file is empty")
    if len(head) < 8 or head[:4] != b"RIFF":
        return
    told = struct.unpack("<I", head[4:])[0] + 8
    # What was written as a stream has no length in its header.
    if told < 0xFFFFFFFF and told > size + 1:
        raise Unreadable(f"it is cut off: {size} of {told} bytes are there")


def write_sound(samples: Any, rate: int, path: Path) -> None:
    """Samples (channels x n, or n) in -1..1 as a WAV."""
    import soundfile  # noqa: PLC0415 - only where there are sounds

    soundfile.write(path, samples.detach().float().cpu().clamp(-1, 1).numpy().T, rate)
