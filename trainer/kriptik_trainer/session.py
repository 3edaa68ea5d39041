"""What the run does between the steps: figures, checkpoints, and when to stop."""

from __future__ import annotations

import json
import math
from collections import deque
from pathlib import Path
from statistics import mean
from typing import Any

from kriptik_trainer.deadline import decide
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.evaluation import Evaluator
from kriptik_trainer.executors.base import Content, Instruction, StepFigures
from kriptik_trainer.log import log
from kriptik_trainer.mailbox import Request
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Progress, Reason, checkpoint_json
from kriptik_trainer.result import Outcome
from kriptik_trainer.saving import Saver
from kriptik_trainer.spec import Spec
from kriptik_trainer.stages import WHOLE, Place
from kriptik_trainer.store import JobStore

RUN_FILE = "kriptik.json"
"""In each checkpoint: what the next attempt wants to know of this one."""


LOSSES = 20
"""Of so many steps before a checkpoint the mean loss is taken: single steps are noise."""


class Session:
    """The Hooks of one attempt, or of one stage of it. Everything here runs in the training thread.

    Steps count through all stages.
    """

    def __init__(
        self,
        spec: Spec,
        progress: Progress,
        metrics: Metrics,
        store: JobStore,
        facts: dict[str, Any],
        evaluator: Evaluator,
        processes: int = 1,
        place: Place = WHOLE,
    ) -> None:
        self._spec = spec
        self._place = place
        self._progress = progress
        self._metrics = metrics
        self._store = store
        self._facts = facts
        self._evaluator = evaluator
        self._processes = processes
        self._started = 0.0
        self._step_seconds = 0.0
        self._waited = 0.0
        self._ends = False
        self._saver = Saver(spec, progress, store)
        self._losses: deque[float] = deque(maxlen=LOSSES)
        self._reason: Reason = "periodic"
        self._total = 0
        self._answering: list[Request] = []
        self.ended_early: Outcome | None = None

    def begin(self, total_steps: int, step: int) -> None:
        """See Hooks.begin."""
        self._total = total_steps
        self._started = self._progress.clock.monotonic()
        self._progress.set(
            phase="training",
            totalSteps=total_steps + self._place.after,
            step=step,
            stage=self._place.shown(total_steps),
        )
        log(f"training from step {step} to {total_steps}")

    def step_begins(self) -> None:
        """See Hooks.step_begins. What has passed since the last step went into getting its rows."""
        self._waited = self._progress.clock.monotonic() - self._started

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """See Hooks.step_ended."""
        told = self._decide(step, epoch)
        self._ends = told.stop
        self._started, self._waited = self._progress.clock.monotonic(), 0.0
        return told

    def _decide(self, step: int, epoch: float) -> Instruction:
        hyper = self._spec.hyperparameters
        self._step_seconds = self._progress.clock.monotonic() - self._started
        samples = hyper.batch_size * hyper.gradient_accumulation * self._processes
        self._progress.step_done(step, epoch, self._step_seconds, samples, self._waited)
        told = self._end_due(step)
        if told is None and self._evaluate(step):
            # It may have taken minutes: whoever asked for a stop meanwhile gets no other step.
            told = self._end_due(step)
        if told is not None:
            return told
        if self._answering:
            self._reason = "requested"
            return Instruction(save=True, stop=False)
        self._reason = "periodic"
        due = step % hyper.checkpoint_every_steps == 0 or self._saver.due()
        return Instruction(save=due, stop=False)

    def _end_due(self, step: int) -> Instruction | None:
        """What to do where this step is the last one: of all, or for now. Takes up what was asked for."""
        waiting = self._progress.mailbox.take()
        self._answering = waiting
        if step >= self._total and self._place.last:
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
        if step >= self._total:
            self._reason = "periodic"
            return Instruction(save=True, stop=True)
        return None

    def _evaluate(self, step: int) -> bool:
        """Measures where it is due and the deadline allows it and another step; whether it did."""
        if not self._evaluator.due(step):
            return False
        remaining = self._progress.remaining()
        if remaining is not None:
            remaining -= self._evaluator.seconds
        if decide(remaining, self._progress.pace()) != "go":
            log(f"step {step}: no time for an evaluation before the deadline", "WARN")
            return False
        self._evaluator.measure(step)
        return True

    def logged(self, step: int, figures: StepFigures) -> None:
        """See Hooks.logged. Raises TrainerError `lossNotFinite` before such weights are saved."""
        loss, rate, norm, tokens = figures.loss, figures.rate, figures.norm, figures.tokens
        speed = tokens / self._step_seconds if tokens and self._step_seconds > 0 else None
        self._progress.logged(loss, rate, speed, norm)
        self._losses.append(loss)
        self._metrics.add(step, loss, rate, norm, speed, self._progress.data_wait_share())
        if self._metrics.write_error:
            self._progress.warn(self._metrics.write_error)
        eta = self._progress.get("etaSeconds")
        log(
            f"step {step}/{self._total} loss {loss:.4f} lr {rate or 0:.3g} "
            f"{self._step_seconds:.2f} s/step eta {eta or 0:.0f} s"
        )
        if norm is not None and not math.isfinite(norm):
            self._progress.not_finite(step, "gradNorm")
        if not math.isfinite(loss):
            self._progress.not_finite(step, "loss")
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
            "stage": self._place.kept(),
            "stages": status["stages"],
            "checkpointSeconds": status["checkpointSeconds"],
            "secondsPerStep": status["secondsPerStep"],
            "evaluationOfBase": self._evaluator.base,
            "samples": list(self._evaluator.samples),
            **self._facts,
        }

    def _measured(self, step: int) -> dict[str, Any] | None:
        """The watched figure, where it was measured at this very step."""
        found = self._progress.get("evaluation")
        if found is None or found["step"] != step:
            return None
        value = found["latest"].get(found["metric"])
        if value is None:
            return None
        name = self._place.name
        stage = {} if name is None else {"stage": name}
        return {"metric": found["metric"], "value": value, "better": found["better"], **stage}

    def save(self, step: int, content: Content) -> None:
        """See Hooks.save. Training goes on without a checkpoint that the store does not take now, and
        a run that ends with it keeps the one before."""
        mailbox, clock = self._progress.mailbox, self._progress.clock

        def write_all(folder: Path) -> None:
            content.write(folder)
            (folder / RUN_FILE).write_text(json.dumps(self._run_file(step), indent=2) + "\n")

        self._progress.set(phase="checkpointing")
        began = clock.monotonic()
        try:
            content.gather()
            stored = self._saver.save(
                step, self._reason, self._ends, write_all, self._measured(step)
            )
        except Exception as error:
            mailbox.settle(self._answering, None, f"the checkpoint failed: {error}")
            raise
        if isinstance(stored, TrainerError):
            self._progress.set(phase="training")
            mailbox.settle(self._answering, None, f"the checkpoint failed: {stored}")
        else:
            seconds = clock.monotonic() - began
            self._progress.checkpoint_took(seconds)
            record = checkpoint_json(stored, self._reason, seconds, self._place.name)
            self._progress.set(phase="training", lastCheckpoint=record, lastCheckpointError=None)
            mailbox.settle(self._answering, record)
            log(f"checkpoint of step {step} ({self._reason}) in {seconds:.2f} s: {stored.uri}")
            self._saver.note(stored.uri, mean(self._losses) if self._losses else None)
            self._saver.tidy()
        self._store.flush()
        self._started = clock.monotonic()
