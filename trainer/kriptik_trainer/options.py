"""What a method or a modality wants to know beyond the common hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kriptik_trainer.fields import Fields

ALGORITHMS = ("rloo", "grpo")
REWARDS = ("model", "exact")
MODEL_SOURCE = r"(hf|file|pypi)://.+"
PREFERENCES = ("dpo", "kto", "orpo")
PREFERENCE_LOSSES = ("sigmoid", "hinge", "ipo")


@dataclass(frozen=True)
class Options:
    """`method.options`; what a method does not use is ignored. Lengths in tokens, pixels or frames."""

    packing: bool = False
    fill_in_middle: float = 0.0
    beta: float = 0.1
    preference: str = "dpo"
    loss: str = "sigmoid"
    algorithm: str = "rloo"
    reward: str = "model"
    reward_steps: int | None = None
    completions: int = 4
    max_completion: int = 64
    token: str = "sks"
    initializer: str | None = None
    subject_prompt: str | None = None
    class_prompt: str | None = None
    class_images: int = 0
    prior_weight: float = 1.0
    resolution: int = 512
    frames: int = 17
    seconds: float = 10.0
    sample_steps: int = 20
    sample_prompt: str | None = None
    language: str = "en"
    vocoder: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """How much is held out and how often it is looked at; `every_steps` None is only at the end.

    `score_model` says how well pictures fit their captions: a folder, file://, hf:// or OWNER/NAME.
    """

    share: float
    max_rows: int
    every_steps: int | None
    samples: int
    score_model: str | None = None


@dataclass(frozen=True)
class Consent:
    """The recorded statement by which a speaker allows the use of a voice."""

    speaker: str
    statement: str
    recording: Path
    sha256: str


def parse_options(fields: Fields | None) -> Options:
    """`method.options`, each field optional."""
    given, usual = fields or Fields({}, "method.options"), Options()
    return Options(
        packing=given.flag("packing", usual.packing),
        fill_in_middle=given.decimal("fillInMiddle", "0", "1", "0"),
        beta=given.decimal("beta", "0", "100", str(usual.beta)),
        preference=given.choice("preference", PREFERENCES, usual.preference),
        loss=given.choice("loss", PREFERENCE_LOSSES, usual.loss),
        algorithm=given.choice("algorithm", ALGORITHMS, usual.algorithm),
        reward=given.choice("reward", REWARDS, usual.reward),
        reward_steps=given.integer("rewardSteps", 1, default=None),
        completions=given.integer("completions", 2, 256, default=usual.completions),
        max_completion=given.integer("maxCompletion", 1, 1 << 16, default=usual.max_completion),
        token=given.text("token", usual.token),
        initializer=given.text("initializer", None),
        subject_prompt=given.text("subjectPrompt", None),
        class_prompt=given.text("classPrompt", None),
        class_images=given.integer("classImages", 0, 10_000, default=usual.class_images),
        prior_weight=given.decimal("priorWeight", "0", "100", str(usual.prior_weight)),
        resolution=given.integer("resolution", 16, 8192, default=usual.resolution),
        frames=given.integer("frames", 1, 1024, default=usual.frames),
        seconds=given.decimal("seconds", "0.1", "600", str(usual.seconds)),
        sample_steps=given.integer("sampleSteps", 1, 1000, default=usual.sample_steps),
        sample_prompt=given.text("samplePrompt", None),
        language=given.text("language", usual.language),
        vocoder=given.text("vocoder", None, MODEL_SOURCE),
    )


def parse_evaluation(fields: Fields | None) -> Evaluation | None:
    """`evaluation`; without it nothing is held out."""
    if fields is None:
        return None
    return Evaluation(
        share=fields.decimal("share", "0.001", "0.5", "0.1"),
        max_rows=fields.integer("maxRows", 1, 100_000, default=64),
        every_steps=fields.integer("everySteps", 1, default=None),
        samples=fields.integer("samples", 0, 64, default=1),
        score_model=fields.text("scoreModel", None),
    )


def parse_consent(fields: Fields | None) -> Consent | None:
    """`consent`; a voice clone is refused without it."""
    if fields is None:
        return None
    return Consent(
        speaker=fields.text("speaker"),
        statement=fields.text("statement"),
        recording=Path(fields.text("recording")),
        sha256=fields.text("sha256", pattern=r"[0-9a-f]{64}"),
    )
