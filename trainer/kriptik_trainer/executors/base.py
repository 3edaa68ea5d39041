"""What a training method has to offer, and what the run offers to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Instruction:
    """What to do after an optimizer step."""

    save: bool
    stop: bool


class Hooks(Protocol):
    """Called by an executor from its training loop, in its thread."""

    def begin(self, total_steps: int, step: int) -> None:
        """Before the first step of this attempt; `step` is where it goes on from."""

    def step_begins(self) -> None:
        """Before the forward pass of an optimizer step."""

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """After an optimizer step; the answer has to be followed before the next one."""

    def logged(
        self, step: int, loss: float, rate: float | None, norm: float | None, tokens: int | None
    ) -> None:
        """Figures of a step; `tokens` is the number of tokens that it went through."""

    def save(self, step: int, write: Callable[[Path], None]) -> None:
        """Commits what `write` puts into an empty folder as the checkpoint of `step`."""


class Executor(Protocol):
    """One training method. Called in this order, once each; export once for each output."""

    def prepare(self) -> dict[str, Any]:
        """Loads model and data. Returns facts for the log and the card."""

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """Trains to the end or until told to stop."""

    def export(self, name: str, folder: Path) -> None:
        """Writes an output, `adapter` or `merged`, into an empty folder."""
