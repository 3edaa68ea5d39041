"""What a training method has to offer, and what the run offers to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Instruction:
    """What to do after an optimizer step."""

    save: bool
    stop: bool


@dataclass(frozen=True)
class StepFigures:
    """What an optimizer step has shown. `tokens` is the number of tokens that it went through."""

    loss: float
    rate: float | None
    norm: float | None
    tokens: int | None


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds. `write` puts it into an empty folder. Where several processes train, all of
    them call `gather` first, `write` is the first one's and each of the others adds what its `part` puts
    into an empty folder: what only it knows.
    """

    write: Callable[[Path], None]
    part: Callable[[Path], None] | None = None
    gather: Callable[[], None] = lambda: None


class Hooks(Protocol):
    """Called by an executor from its training loop, in its thread."""

    def begin(self, total_steps: int, step: int) -> None:
        """Before the first step of this attempt; `step` is where it goes on from."""

    def step_begins(self) -> None:
        """Before the forward pass of an optimizer step."""

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """After an optimizer step; the answer has to be followed before the next one."""

    def logged(self, step: int, figures: StepFigures) -> None:
        """After each step, before `step_ended`."""

    def save(self, step: int, content: Content) -> None:
        """Commits the checkpoint of `step`. Where several processes train, all of them call this."""


@dataclass(frozen=True)
class CardFacts:
    """What the model card says of a kind of model: how hubs name it and how it is loaded.

    `counted` says what `tokens` of the figures are and what counts in the loss; `notes` are
    sentences a user has to know, like the terms of the weights.
    """

    library: str
    pipeline_tag: str
    use: str
    counted: str
    notes: tuple[str, ...] = ()


class Executor(Protocol):
    """One training method: prepare, then train or load, then export once for each output.

    `evaluate` and `sample` may be called at any time after prepare; neither may change what training
    does next, and the caller puts the random numbers back.
    """

    device: dict[str, Any]
    warnings: list[str]
    watched: tuple[str, str]
    """The figure of evaluate() to watch, and whether `lower` or `higher` is better."""
    makes_samples: bool
    remark: str | None
    """What one has to know to read the figures, such as what a proxy stands for."""

    def prepare(self) -> dict[str, Any]:
        """Loads model and data. Returns the figures `rows`, `tokens`, `parameters`, `trainable` and
        `stateBytes` (weights and optimizer state of a checkpoint)."""

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """Trains to the end or until told to stop."""

    def load(self, checkpoint: Path) -> None:
        """Takes the weights of a checkpoint without training, for an export that is still due."""

    def evaluate(self) -> dict[str, float]:
        """Figures of the weights as they are on the held-out rows; {} where there are none."""

    def sample(self, folder: Path, count: int) -> None:
        """Writes up to `count` samples of what the model makes now into an empty folder, each of them
        noted by samples.note."""

    def score(self, folder: Path) -> dict[str, float]:
        """Figures of the samples in a folder that `sample` has just filled; {} where nothing scores
        them."""

    def as_exported(self) -> AbstractContextManager[None]:
        """Within it the weights are those that an export would write."""

    def card(self, output: str) -> CardFacts:
        """For the model card of an output."""

    def export(self, name: str, folder: Path) -> None:
        """Writes an output, `adapter` or `merged`, into an empty folder. `merged` comes last."""
