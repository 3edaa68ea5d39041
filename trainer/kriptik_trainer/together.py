"""The run's hooks where several processes train: the leader's, which pass its word on, and the others'."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from kriptik_trainer.determinism import random_numbers_kept
from kriptik_trainer.executors.base import Content, Executor, Hooks, Instruction, StepFigures
from kriptik_trainer.peers import Peers
from kriptik_trainer.progress import Progress


class Leading:
    """The hooks of rank 0: its own, told to all."""

    def __init__(self, hooks: Hooks, peers: Peers) -> None:
        self._hooks = hooks
        self._peers = peers

    def begin(self, total_steps: int, step: int) -> None:
        """See Hooks.begin."""
        self._hooks.begin(total_steps, step)

    def step_begins(self) -> None:
        """See Hooks.step_begins."""
        self._hooks.step_begins()

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """See Hooks.step_ended."""
        told = self._hooks.step_ended(step, epoch)
        self._peers.tell(step, told)
        return told

    def logged(self, step: int, figures: StepFigures) -> None:
        """See Hooks.logged. The other processes go through as many tokens, but for a few."""
        tokens = figures.tokens
        every = None if tokens is None else tokens * self._peers.world.size
        self._hooks.logged(step, replace(figures, tokens=every))

    def save(self, step: int, content: Content) -> None:
        """See Hooks.save. What only the others know goes into the same checkpoint."""
        parts: dict[str, bytes] = {}

        def gather_all() -> None:
            content.gather()
            if content.part is not None:
                parts.update(self._peers.parts(step))

        def write_all(folder: Path) -> None:
            content.write(folder)
            for name, given in parts.items():
                (folder / name).write_bytes(given)

        self._hooks.save(step, Content(write_all, gather=gather_all))
        self._peers.saved(step)


class Following:
    """The hooks of every other process: it does as the leader says."""

    def __init__(self, peers: Peers, progress: Progress) -> None:
        self._peers = peers
        self._progress = progress

    def begin(self, total_steps: int, step: int) -> None:
        """See Hooks.begin."""
        self._progress.set(totalSteps=total_steps, step=step)

    def step_begins(self) -> None:
        """See Hooks.step_begins."""

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """See Hooks.step_ended."""
        told = self._peers.told(step)
        self._progress.set(step=step)
        return told

    def logged(self, step: int, figures: StepFigures) -> None:
        """See Hooks.logged."""

    def save(self, step: int, content: Content) -> None:
        """See Hooks.save. Gives its part and waits: an upload may take longer than a step may."""
        content.gather()
        if content.part is not None:
            scratch = Path(tempfile.mkdtemp(prefix="kriptik-trainer-"))
            try:
                content.part(scratch)
                given = {path.name: path.read_bytes() for path in scratch.iterdir()}
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            self._peers.give(step, given)
        self._peers.until_saved(step)


class Joint:
    """The leader's executor where the model is cut into shards: a pass through it takes all processes."""

    def __init__(self, executor: Executor, peers: Peers) -> None:
        self._executor = executor
        self._peers = peers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        self._peers.ask()
        return self._executor.evaluate()


def measure_along(executor: Executor) -> None:
    """Another process's part of Joint.evaluate: its shards. The figures are the leader's."""
    with random_numbers_kept(), executor.as_exported():
        executor.evaluate()


def share_text(prepared: dict[str, Any]) -> str:
    """How much of the model this process holds, for the log."""
    return f"{prepared['held']:,} of {prepared['parameters']:,} parameters are held by this process"
