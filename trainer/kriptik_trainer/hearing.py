"""How good made sounds are: what a listener understands of speech, and how far music is from its like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from kriptik_trainer.data.media import Unreadable
from kriptik_trainer.data.sounds import sound
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.likeness import source_of
from kriptik_trainer.log import log
from kriptik_trainer.models.resolve import resolve
from kriptik_trainer.samples import Sample

WORD_ERRORS = "wordErrorRate"
DISTANCE = "spectralDistance"
RATE = 16_000
"""Samples a second that models of speech listen to."""
LONGEST_SECONDS = 600
WINDOWS = (512, 1024, 2048)
"""Samples in a frame, at each of which spectra are compared; a quarter of it from frame to frame."""
FLOOR = 1e-6
"""Share of a sound's power below which a frequency is taken for silent: -60 dB. What nobody hears beside
the rest must not outweigh it."""


def words(text: str) -> str:
    """A text as speech has it: lower case, no marks, words apart by one blank."""
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())


class Listener:
    """A model that writes down what it hears, such as Whisper. It leaves the GPU's memory after a look."""

    def __init__(self, named: str, place: torch.device) -> None:
        """Raises TrainerError `scoreModelUnusable` or what resolving a model raises."""
        from transformers import pipeline  # noqa: PLC0415 - only where a model is named

        self.named = named
        self._place = place
        folder = resolve(source_of(named), None, log)
        try:
            self._hear: Any = pipeline("automatic-speech-recognition", str(folder), device="cpu")
        except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            raise TrainerError(
                "scoreModelUnusable",
                f"{named} cannot listen to speech: {str(error).splitlines()[0][:200]}",
                "evaluation.scoreModel",
                "Name a model of speech recognition such as Whisper, or leave it out.",
            ) from error

    def heard(self, path: Path) -> str:
        """What is said in a file, in words. Raises Unreadable."""
        samples = sound(path, RATE, LONGEST_SECONDS)[0].numpy()
        return words(str(self._hear({"raw": samples, "sampling_rate": RATE})["text"]))

    def of_samples(self, folder: Path, samples: Sequence[Sample]) -> dict[str, float]:
        """Word error rate of all samples together: words wrong, missing and added for each word of their
        texts (0 is best; it may be above 1). A sample in which nothing is heard misses every word."""
        import jiwer  # noqa: PLC0415 - only where a model is named

        said = [(one, words(one.prompt)) for one in samples if words(one.prompt)]
        if not said:
            return {}
        self._hear.model.to(self._place)
        self._hear.device = self._place
        try:
            found = [self._or_nothing(folder / one.file) for one, _ in said]
        finally:
            self._hear.model.to("cpu")
        return {WORD_ERRORS: float(jiwer.wer([text for _, text in said], found))}

    def _or_nothing(self, path: Path) -> str:
        try:
            return self.heard(path)
        except Unreadable:
            return ""


def listener(named: str | None, place: torch.device, warnings: list[str]) -> Listener | None:
    """The named listener. Without one, or with the Hub away, None and a warning: the figures are then
    those of the training loss only. Raises TrainerError for a model that cannot listen."""
    if named is None:
        return None
    try:
        return Listener(named, place)
    except TrainerError as error:
        if error.code != "hubUnreachable":
            raise
        warnings.append(f"no word error rate is measured: {error.message}")
        return None


def spectrum(samples: torch.Tensor, window: int) -> torch.Tensor:
    """The mean power of each frequency over time, in dB, of samples (n) brought to the same loudness."""
    loudness = samples.square().mean().sqrt().clamp_min(1e-5)
    padded = torch.nn.functional.pad(samples / loudness, (0, max(0, window - len(samples))))
    shape = torch.hann_window(window, device=samples.device)
    spectra = torch.stft(
        padded, window, window // 4, window=shape, center=False, return_complex=True
    )
    power = spectra.abs().square().mean(-1) / shape.square().sum()
    return 10 * power.clamp_min(FLOOR).log10()


def spectral_distance(made: torch.Tensor, like: torch.Tensor) -> float:
    """How far two sounds (n samples each, at one rate) are from each other, in dB; 0 is best.

    The log-spectral distance of Gray and Markel, Distance measures for speech processing (1976): the root
    of the mean squared difference of two power spectra in dB, here between means over time, since two
    pieces of one caption do not play the same note at the same moment; the mean over several windows.
    """
    found = [(spectrum(made, w) - spectrum(like, w)).square().mean().sqrt() for w in WINDOWS]
    return float(torch.stack(found).mean())


def distance_of_samples(
    folder: Path, samples: Sequence[Sample], references: Sequence[Path | None]
) -> dict[str, float]:
    """The mean distance of samples from recordings that have the same captions; {} where there are none.
    A sample in which nothing is heard counts as silence."""
    found = []
    for one, reference in zip(samples, references, strict=False):
        if reference is None:
            continue
        like = sound(reference, RATE, LONGEST_SECONDS)[0]
        try:
            made = sound(folder / one.file, RATE, LONGEST_SECONDS)[0]
        except Unreadable:
            made = torch.zeros_like(like)
        found.append(spectral_distance(made, like))
    return {DISTANCE: sum(found) / len(found)} if found else {}
