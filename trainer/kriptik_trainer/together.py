"""The run's hooks where several processes train: the leader's, which pass its word on, and the others'."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from kriptik_trainer.executors.base import Hooks, Instruction, Part
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

    def logged(
        self, step: int, loss: float, rate: float | None, norm: float | None, tokens: int | None
    ) -> None:
        """See Hooks.logged. The other processes go through as many tokens, but for a few."""
        every = None if tokens is None else tokens * self._peers.world.size
        self._hooks.logged(step, loss, rate, norm, every)

    def save(self, step: int, write: Callable[[Path], None], part: Part | None = None) -> None:
        """See Hooks.save. What only the others know goes into the same checkpoint."""
        parts = {} if part is None else self._peers.parts(step)

        def write_all(folder: Path) -> None:
            write(folder)
            for name, content in parts.items():
                (folder / name).write_bytes(content)

        self._hooks.save(step, write_all)
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

    def logged(
        self, step: int, loss: float, rate: float | None, norm: float | None, tokens: int | None
    ) -> None:
        """See Hooks.logged."""

    def save(self, step: int, write: Callable[[Path], None], part: Part | None = None) -> None:
        """See Hooks.save. Gives its part and waits: an upload may take longer than a step may."""
        if part is not None:
            scratch = Path(tempfile.mkdtemp(prefix="kriptik-trainer-"))
            try:
                part(scratch)
                given = {path.name: path.read_bytes() for path in scratch.iterdir()}
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            self._peers.give(step, given)
        self._peers.until_saved(step)
