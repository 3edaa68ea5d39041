"""Sounds that would teach something wrong are left out and counted; too many of them end the run."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile

from kriptik_trainer.data.media import Rows, Unreadable, decode_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound
from kriptik_trainer.errors import TrainerError

RATE = 16_000


def tone(seconds: float = 1.0, rate: int = RATE, loudness: float = 0.3) -> Any:
    return loudness * numpy.sin(440 * 2 * numpy.pi * numpy.arange(int(rate * seconds)) / rate)


def write(path: Path, samples: Any, rate: int = RATE, **more: str) -> None:
    soundfile.write(path, samples, rate, **more)


def cut(path: Path) -> None:
    write(path, tone())
    path.write_bytes(path.read_bytes()[:9000])


def header_only(path: Path) -> None:
    write(path, tone(0))


def of_rate(told: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        write(path, tone())
        whole = bytearray(path.read_bytes())
        whole[24:28] = struct.pack("<I", told)
        path.write_bytes(whole)

    return make


def not_numbers(path: Path) -> None:
    samples = tone()
    samples[100] = numpy.nan
    write(path, samples, subtype="FLOAT")


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "an empty file": (lambda path: path.write_bytes(b""), "empty"),
    "a header with nothing after it": (header_only, "no sound in it"),
    "half of a file": (cut, "cut off: 9000 of 32044 bytes"),
    "text": (lambda path: path.write_text("not a sound at all"), "ormat not recognised"),
    "silence": (lambda path: write(path, tone(loudness=0)), "silent"),
    "next to silence": (lambda path: write(path, tone(loudness=5e-5)), "silent"),
    "a rate of one": (of_rate(1), "1 samples a second"),
    "a rate of millions": (of_rate(9_000_000), "9000000 samples a second"),
    "samples that are no numbers": (not_numbers, "no numbers"),
    "a click": (lambda path: write(path, tone(0.05)), "too short"),
    "an hour of talk": (lambda path: write(path, tone(31)), "too long"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_sound_is_refused_and_why_is_told(tmp_path: Path, name: str) -> None:
    make, why = BAD[name]
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(Unreadable, match=why):
        sound(path, RATE, 30, shortest=0.5, longest=30)


def test_a_compressed_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.flac"
    write(path, numpy.random.default_rng(1).uniform(-0.5, 0.5, 3 * RATE))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unreadable):
        sound(path, RATE, 30)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_file_of_another_rate_is_brought_to_the_models(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "good.wav"
    write(path, tone(1.0, rate), rate)
    samples = sound(path, RATE, 30)[0].numpy()

    assert len(samples) == RATE
    spectrum = numpy.abs(numpy.fft.rfft(samples))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_a_stream_without_a_length_in_its_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stream.wav"
    write(path, tone())
    whole = bytearray(path.read_bytes())
    whole[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(whole)
    assert sound(path, RATE, 30).shape == (1, RATE)


def test_a_piece_is_cut_at_the_wanted_length_and_brought_to_the_channels(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    write(path, tone(3))
    assert sound(path, RATE, 1.5, 2).shape == (2, 24_000)


def rows(root: Path, good: int, bad: int) -> Rows:
    found: Rows = []
    for index in range(good + bad):
        path = root / f"{index}.wav"
        if index < good:
            write(path, tone())
        else:
            cut(path)
        found.append(("data.jsonl", Example(index + 1, None, "said", media=path)))
    return found


def test_a_few_bad_ones_are_left_out_and_counted(tmp_path: Path) -> None:
    warnings: list[str] = []
    found = decode_all(rows(tmp_path, 18, 2), lambda one: sound(one.media, RATE, 9), warnings)
    assert len(found) == 18
    assert warnings[0].startswith("2 of 20 files cannot be read and were left out")
    assert str(tmp_path / "18.wav") in warnings[0]
    assert "cut off" in warnings[0]


def test_too_many_bad_ones_end_the_run_and_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        decode_all(rows(tmp_path, 17, 3), lambda one: sound(one.media, RATE, 9), [])
    assert caught.value.code == "badMedia"
    assert "3 of 20 files cannot be read" in caught.value.message
    for index in (17, 18, 19):
        assert str(tmp_path / f"{index}.wav") in caught.value.message
