"""What the executors on the own loop have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import torch

from kriptik_trainer.data.media import Rows
from kriptik_trainer.executors.base import CardFacts, Hooks
from kriptik_trainer.hf import pick_device
from kriptik_trainer.loop import Loop, read_extra, read_weights
from kriptik_trainer.optimizers import refuse_what_cannot_be
from kriptik_trainer.spec import Spec


class LoopedExecutor:
    """See executors.base.Executor and loop.Task. A method gives `build`, `loss`, `keys` and the rest."""

    watched: tuple[str, str] = ("validationLoss", "lower")
    makes_samples = True

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        self.spec = spec
        self.folder = folder
        self.examples = examples
        self.held_out = held_out
        self.warnings: list[str] = []
        self.device = pick_device()
        self.module: Any = None

    @property
    def place(self) -> torch.device:
        """Where tensors live."""
        return torch.device(str(self.device["type"]))

    @property
    def frozen_type(self) -> torch.dtype:
        """The precision of weights that are not trained."""
        half = self.spec.hyperparameters.precision
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(half, torch.float32)

    def build(self) -> None:
        """Loads model and data; sets `module`."""
        raise NotImplementedError

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """See loop.Task."""
        return {n: p for n, p in self.module.named_parameters() if p.requires_grad}

    def keys(self) -> Sequence[Hashable]:
        """See loop.Task."""
        raise NotImplementedError

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task."""
        raise NotImplementedError

    def extra(self) -> dict[str, torch.Tensor]:
        """See loop.Task."""
        return {}

    def begin(self, extra: dict[str, torch.Tensor]) -> None:
        """Right before the first step, with what an earlier attempt left as `extra`."""

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate."""
        raise NotImplementedError

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        raise NotImplementedError

    def prepare(self) -> dict[str, Any]:
        """See Executor.prepare."""
        refuse_what_cannot_be(self.spec, str(self.device["type"]))
        self.build()
        trained = list(self.trainable().values())
        every = {id(p): p for p in [*self.module.parameters(), *trained]}
        return {
            "rows": len(self.keys()),
            "tokens": 0,
            "parameters": sum(p.numel() for p in every.values()),
            "trainable": sum(p.numel() for p in trained),
            "stateBytes": 3 * sum(p.numel() * p.element_size() for p in trained),
        }

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """See Executor.train."""
        self.begin({} if resume is None else read_extra(resume))
        Loop(self, self.spec.hyperparameters, str(self.device["type"])).run(hooks, resume)

    def load(self, checkpoint: Path) -> None:
        """See Executor.load."""
        read_weights(self, checkpoint)


def lora_targets(spec: Spec, usual: tuple[str, ...]) -> list[str]:
    """The modules that a spec names, or the usual ones for a kind of model."""
    return list(usual if spec.lora.targets == ("all-linear",) else spec.lora.targets)
