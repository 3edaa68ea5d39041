"""Stages of a run: what each is told to train, and where it lies among the steps of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kriptik_trainer.executors.base import Content, Hooks, Instruction, StepFigures
from kriptik_trainer.options import Evaluation
from kriptik_trainer.spec import Spec, Stage
from kriptik_trainer.store import Stored

LOOKED_AT = Evaluation(share=0.5, max_rows=64, every_steps=None, samples=0)
"""How a stage without a method measures where the spec does not say."""


@dataclass(frozen=True)
class Place:
    """Where a stage lies in its run: steps before it and after it, counted in optimizer steps.

    `after` is what is planned, for later data may turn out to be more or less; `last` says that nothing
    is trained after it.
    """

    name: str | None = None
    index: int = 0
    count: int = 1
    first: int = 0
    after: int = 0
    last: bool = True

    def shown(self, end: int) -> dict[str, Any] | None:
        """The status's `stage`, None in a run without stages."""
        if self.name is None:
            return None
        return {
            "name": self.name,
            "index": self.index,
            "count": self.count,
            "firstStep": self.first,
            "lastStep": end,
        }

    def kept(self) -> dict[str, Any] | None:
        """What the next attempt wants to know of it."""
        if self.name is None:
            return None
        return {"name": self.name, "firstStep": self.first}


WHOLE = Place()
"""Of a run without stages."""


def first_step(run_file: dict[str, Any]) -> int:
    """Steps of the run before the stage that a checkpoint belongs to."""
    stage = run_file.get("stage")
    return int(stage["firstStep"]) if stage else 0


def planned_steps(spec: Spec, rows: int, processes: int) -> int:
    """Steps that so many rows make; what is cut, packed or left out may change it a little."""
    hyper = spec.hyperparameters
    if hyper.max_steps is not None:
        return hyper.max_steps
    batches = math.ceil(rows / (hyper.batch_size * processes))
    return max(1, math.ceil(hyper.epochs * batches / hyper.gradient_accumulation))


def spec_of(spec: Spec, stage: Stage, base: Stored | None) -> Spec:
    """The spec of a stage as if it were a run of its own; `base` is the result it begins with."""
    model = spec.model
    if base is not None:
        source = base.path.as_uri()
        model = replace(model, source=source, revision=None, handed_on=base.uri)
    told = replace(spec, model=model, data=stage.data, evaluation=stage.evaluation, stages=())
    if stage.method is None:
        return replace(told, evaluation=stage.evaluation or LOOKED_AT)
    return replace(
        told,
        method=stage.method,
        lora=stage.lora,
        options=stage.options,
        hyperparameters=stage.hyperparameters,
    )


def is_needed(spec: Spec, stage: Stage) -> bool:
    """Whether a later stage begins with what this one makes."""
    return any(one.starts_from == stage.name for one in spec.stages)


def decides(spec: Spec, stage: Stage) -> bool:
    """Whether this stage's result is the run's: it is the last one that trains."""
    return [one.name for one in spec.stages if one.method is not None][-1] == stage.name


class Stretch:
    """The run's hooks as one of several trainers in a row sees them: its steps begin at `offset`.

    `total` is what the run's hooks are told to be the end, where the trainer's own is not; `add` writes
    more into each checkpoint.
    """

    def __init__(
        self,
        hooks: Hooks,
        offset: int,
        total: int | None = None,
        add: Callable[[Path], None] | None = None,
    ) -> None:
        self._hooks = hooks
        self._offset = offset
        self._total = total
        self._add = add
        self.stopped = False

    def begin(self, total_steps: int, step: int) -> None:
        """See Hooks.begin."""
        end = self._offset + total_steps if self._total is None else self._total
        self._hooks.begin(end, step + self._offset)

    def step_begins(self) -> None:
        """See Hooks.step_begins."""
        self._hooks.step_begins()

    def step_ended(self, step: int, epoch: float) -> Instruction:
        """See Hooks.step_ended."""
        told = self._hooks.step_ended(step + self._offset, epoch)
        self.stopped = self.stopped or told.stop
        return told

    def logged(self, step: int, figures: StepFigures) -> None:
        """See Hooks.logged."""
        self._hooks.logged(step + self._offset, figures)

    def save(self, step: int, content: Content) -> None:
        """See Hooks.save."""

        def write_all(folder: Path) -> None:
            content.write(folder)
            if self._add is not None:
                self._add(folder)

        self._hooks.save(step + self._offset, replace(content, write=write_all))
