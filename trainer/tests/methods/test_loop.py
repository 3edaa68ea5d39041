"""Our own loop, apart from the models that it trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from kriptik_trainer.executors.base import Content, Instruction, StepFigures
from kriptik_trainer.loop import Loop
from kriptik_trainer.spec import parse_spec
from support.specs import spec_json


class Line:
    """One weight; notes in what precision it is computed with."""

    average = None

    def __init__(self) -> None:
        self.module = torch.nn.Linear(1, 1)
        self.computed_in: set[torch.dtype] = set()

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        return dict(self.module.named_parameters())

    def keys(self) -> Sequence[str]:
        return ["a", "a"]

    def loss(self, rows: list[int]) -> torch.Tensor:
        made = torch.nn.functional.linear(torch.ones(len(rows), 1), self.module.weight)
        self.computed_in.add(made.dtype)
        return made.float().mean()

    def extra(self) -> dict[str, torch.Tensor]:
        return {}


class Quiet:
    """Hooks that neither save nor stop."""

    def begin(self, total_steps: int, step: int) -> None: ...

    def step_begins(self) -> None: ...

    def step_ended(self, step: int, epoch: float) -> Instruction:
        return Instruction(save=False, stop=False)

    def logged(self, step: int, figures: StepFigures) -> None: ...

    def save(self, step: int, content: Content) -> None: ...


def test_each_of_several_trainings_in_a_process_has_its_own_precision() -> None:
    """As the stages of one run may."""
    given = parse_spec(spec_json(Path("/x"), Path("/m"), Path("/d"))).hyperparameters
    seen = []
    for precision in ("fp32", "bf16", "fp32"):
        line = Line()
        Loop(line, replace(given, precision=precision), "cpu").run(Quiet(), None)
        seen.append(line.computed_in)
    assert seen == [{torch.float32}, {torch.bfloat16}, {torch.float32}]
