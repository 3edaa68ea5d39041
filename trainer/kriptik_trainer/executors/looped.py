"""What the executors on the own loop have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from kriptik_trainer.averages import Average
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
    remark: str | None = None

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        self.spec = spec
        self.folder = folder
        self.examples = examples
        self.held_out = held_out
        self.warnings: list[str] = []
        self.device = pick_device()
        self.module: Any = None
        self.average: Average | None = None

    @property
    def place(self) -> torch.device:
        """Where tensors live."""
        return torch.device(str(self.device["type"]))

    @property
    def frozen_type(self) -> torch.dtype:
        """The precision of weights that are not trained."""
        half = self.spec.hyperparameters.precision
        return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(half, torch.float32)

    def compute_as_trained(self, network: Any) -> None:
        """Has a network compute in the precision of the plan wherever it is called: the base is measured,
        and samples are made, before the loop wraps what it trains and after it is gone."""
        if self.frozen_type is not torch.float32:
            halved = torch.autocast(self.place.type, self.frozen_type)
            network.forward = halved(network.forward)

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

    def score(self, folder: Path) -> dict[str, float]:
        """See Executor.score."""
        return {}

    def as_exported(self) -> AbstractContextManager[None]:
        """See Executor.as_exported."""
        return nullcontext() if self.average is None else self.average.applied()

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        raise NotImplementedError

    def prepare(self) -> dict[str, Any]:
        """See Executor.prepare."""
        refuse_what_cannot_be(self.spec, str(self.device["type"]), averages=True)
        self.build()
        trained = list(self.trainable().values())
        averaged = 0
        if self.spec.hyperparameters.ema_decay is not None:
            averaged = 4 * sum(p.numel() for p in trained)
        every = {id(p): p for p in [*self.module.parameters(), *trained]}
        return {
            "rows": len(self.keys()),
            "tokens": 0,
            "parameters": sum(p.numel() for p in every.values()),
            "trainable": sum(p.numel() for p in trained),
            "stateBytes": averaged + 3 * sum(p.numel() * p.element_size() for p in trained),
        }

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """See Executor.train."""
        self.begin({} if resume is None else read_extra(resume))
        self.average = self._new_average()
        Loop(self, self.spec.hyperparameters, str(self.device["type"])).run(hooks, resume)
        self._keep_average()

    def load(self, checkpoint: Path) -> None:
        """See Executor.load."""
        read_weights(self, checkpoint)
        self.average = self._new_average()
        if self.average is not None and self.average.load(checkpoint):
            self._keep_average()

    def _new_average(self) -> Average | None:
        decay = self.spec.hyperparameters.ema_decay
        return None if decay is None else Average(self.trainable(), decay)

    def _keep_average(self) -> None:
        if self.average is not None:
            self.average.keep()
            self.average = None


def lora_targets(spec: Spec, usual: tuple[str, ...]) -> list[str]:
    """The modules that a spec names, or the usual ones for a kind of model."""
    return list(usual if spec.lora.targets == ("all-linear",) else spec.lora.targets)
