"""The recorded consent without which no voice is cloned."""

from __future__ import annotations

from kriptik_trainer.data.media import Unreadable
from kriptik_trainer.data.sounds import sound
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.manifest import hash_file
from kriptik_trainer.options import Consent

RATE = 16_000
SHORTEST_SECONDS = 2.0
SILENCE = 1e-3
"""Root mean square below which a recording holds no voice."""


def _refuse(consent: Consent, problem: str) -> TrainerError:
    return TrainerError(
        "consentUnusable",
        f"the recorded consent of {consent.speaker} {problem}",
        str(consent.recording),
        "Record the speaker saying the statement, and name that file with its SHA-256.",
    )


def check(consent: Consent | None) -> Consent:
    """The consent, once its recording is there, unchanged, and holds sound. Raises TrainerError.

    What is said in it is not understood here; the statement and the recording's hash are kept with the
    result, so that a person can compare.
    """
    if consent is None:
        raise TrainerError(
            "consentMissing",
            "a voice is cloned only with the recorded consent of its owner",
            "consent",
            "Give speaker, statement, and the file and SHA-256 of the recorded statement.",
        )
    if not consent.recording.is_file():
        raise _refuse(consent, "is not there")
    if hash_file(consent.recording)[1] != consent.sha256:
        raise _refuse(consent, "is not the file whose SHA-256 was given")
    try:
        samples = sound(consent.recording, RATE, 600)
    except Unreadable as problem:
        raise _refuse(consent, f"cannot be heard: {problem}") from problem
    if (
        samples.shape[1] < SHORTEST_SECONDS * RATE
        or float(samples.square().mean().sqrt()) < SILENCE
    ):
        raise _refuse(consent, f"is silent or shorter than {SHORTEST_SECONDS:g} seconds")
    return consent
