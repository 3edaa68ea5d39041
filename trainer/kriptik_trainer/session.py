"""What the run does between the steps: figures, checkpoints, and when to stop."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kriptik_trainer.deadline import decide
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.evaluation import Evaluator
from kriptik_trainer.executors.base import Instruction
from kriptik_trainer.faults import is_disk_full
from kriptik_trainer.log import log
from kriptik_trainer.mailbox import Request
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Progress, Reason, checkpoint_json
from kriptik_trainer.result import Outcome
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Store

KEEP = 2
RUN_FILE = "kriptik.json"
"""In each checkpoint: what the next attempt wants to know of this one."""


class Session:
    """The Hooks of one attempt. Everything here runs in the training thread."""

    def __init__(
        self,
        spec: Spec,
        progress: Progress,
        metrics: Metrics,
        store: Store,
        facts: dict[str, Any],
        evaluator: Evaluator,
    ) -> None:
        self._spec = spec
        self._progress = progress
        self._metrics = metrics
        self._store = store
        self._facts = facts
        self._evaluator = evaluator
        self._started = 0.0
        self._step_seconds = 0.0
        self._reason: Reason = "periodic"
        self._total = 0
        self._answering: list[Request] = []
        self.ended_early: Outcome | None = None

    def begin(self, total_steps: int, step: int) -> None:
        """See Hooks.begin."""
        self._total = total_steps
        self._started = self._progress.clock.monotonic()
        self._progress.set(phase="training", totalSteps=total_steps, step=step)
        log(f"training from step {step} to {total_steps}")

    def step_begins(self) -> None:
        """See Hooks.step_begins."""
        self._started = self._progress.clock.monotonic()

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """See Hooks.step_ended."""
        hyper = self._spec.hyperparameters
        self._step_seconds = self._progress.clock.monotonic() - self._started
        samples = hyper.batch_size * hyper.gradient_accumulation
        self._progress.step_done(step, epoch, self._step_seconds, samples)
        waiting = self._progress.mailbox.waiting()
        self._answering = waiting
        if step >= self._total:
            self._reason = "final"
            return Instruction(save=True, stop=True)
        stops = [request for request in waiting if request.stop]
        if stops:
            self._reason = "signal" if stops[0].origin == "signal" else "requested"
            self.ended_early = "frozen" if stops[0].origin == "signal" else "stopped"
            return Instruction(save=True, stop=True)
        if decide(self._progress.remaining(), self._progress.pace()) == "freeze":
            self._reason, self.ended_early = "deadline", "frozen"
            log("the deadline allows no further step; saving")
            return Instruction(save=True, stop=True)
        self._evaluate(step)
        if waiting:
            self._reason = "requested"
            return Instruction(save=True, stop=False)
        self._reason = "periodic"
        return Instruction(save=step % hyper.checkpoint_every_steps == 0, stop=False)

    def _evaluate(self, step: int) -> None:
        """Measures where it is due and the deadline allows it and another step."""
        if not self._evaluator.due(step):
            return
        remaining = self._progress.remaining()
        if remaining is not None:
            remaining -= self._evaluator.seconds
        if decide(remaining, self._progress.pace()) == "go":
            self._evaluator.measure(step)
        else:
            log(f"step {step}: no time for an evaluation before the deadline", "WARN")

    def logged(
        self, step: int, loss: float, rate: float | None, norm: float | None, tokens: int | None
    ) -> None:
        """See Hooks.logged. Raises TrainerError `lossNotFinite` before such weights are saved."""
        speed = tokens / self._step_seconds if tokens and self._step_seconds > 0 else None
        self._progress.logged(loss, rate, speed)
        self._metrics.add(step, loss, rate, norm, speed)
        if self._metrics.write_error:
            self._progress.warn(self._metrics.write_error)
        eta = self._progress.get("etaSeconds")
        log(
            f"step {step}/{self._total} loss {loss:.4f} lr {rate or 0:.3g} "
            f"{self._step_seconds:.2f} s/step eta {eta or 0:.0f} s"
        )
        if not math.isfinite(loss):
            raise TrainerError(
                "lossNotFinite",
                f"the loss is {loss} at step {step}; the weights are ruined and were not saved",
                "hyperparameters.learningRate",
                "Lower the learning rate (a tenth is a good try), or use fp32 in place of fp16.",
            )

    def _run_file(self, step: int) -> dict[str, Any]:
        status = self._progress.snapshot()
        return {
            "attempt": self._spec.attempt,
            "step": step,
            "totalSteps": self._total,
            "checkpointSeconds": status["checkpointSeconds"],
            "secondsPerStep": status["secondsPerStep"],
            "evaluationOfBase": self._evaluator.base,
            **self._facts,
        }

    def save(self, step: int, write: Callable[[Path], None]) -> None:
        """See Hooks.save. A full disk is tried once more after the older checkpoints are gone."""
        mailbox, clock = self._progress.mailbox, self._progress.clock

        def write_all(folder: Path) -> None:
            write(folder)
            (folder / RUN_FILE).write_text(json.dumps(self._run_file(step), indent=2) + "\n")

        self._progress.set(phase="checkpointing")
        mailbox.begin(self._answering)
        began = clock.monotonic()
        name = f"step-{step:08d}"
        protect = None if self._spec.resume is None else self._spec.resume.uri
        try:
            try:
                stored = self._store.save("checkpoint", name, step, self._spec.attempt, write_all)
            except Exception as error:
                if not is_disk_full(error):
                    raise
                log("the disk is full; removing older checkpoints and trying once more", "WARN")
                self._store.rotate(1, protect)
                stored = self._store.save("checkpoint", name, step, self._spec.attempt, write_all)
        except Exception as error:
            mailbox.settle(self._answering, None, f"the checkpoint failed: {error}")
            raise
        seconds = clock.monotonic() - began
        self._progress.checkpoint_took(seconds)
        record = checkpoint_json(stored, self._reason, seconds)
        self._progress.set(phase="training", lastCheckpoint=record)
        mailbox.settle(self._answering, record)
        log(f"checkpoint of step {step} ({self._reason}) in {seconds:.2f} s: {stored.uri}")
        self._store.rotate(KEEP, protect)
