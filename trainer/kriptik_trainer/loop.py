"""The loop for models that no trainer library trains: one optimizer, exact resume, the run's hooks.

All that is drawn in a micro-step depends on the seed, its position in the run and the process, so a
resume needs no state of generators, and none of the data loader. Several processes go through different
rows and average their gradients, laid out in the same order at every step.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from torch import distributed
from transformers import get_scheduler

from kriptik_trainer.averages import Average
from kriptik_trainer.determinism import seed_all
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import Content, Hooks, StepFigures
from kriptik_trainer.optimizers import make_optimizer, rebase
from kriptik_trainer.order import Order
from kriptik_trainer.spec import Hyperparameters

WEIGHTS_FILE = "trainable.safetensors"
OPTIMIZER_FILE = "optimizer.pt"
STATE_FILE = "loop.json"
EXTRA_FILE = "extra.safetensors"
MAX_GRADIENT_NORM = 1.0


class Task(Protocol):
    """What a kind of model adds to the loop."""

    module: Any
    """The network whose forward pass is trained through; the loop may wrap it."""
    average: Average | None
    """Follows the trained weights, where the plan asks for it."""

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """The parameters to train by stable names."""

    def keys(self) -> Sequence[Hashable]:
        """One key for each row to train on; only rows of the same key share a batch."""

    def loss(self, rows: list[int]) -> torch.Tensor:
        """The mean loss of some rows; draws from torch's global generator only."""

    def extra(self) -> dict[str, torch.Tensor]:
        """What else a checkpoint has to hold."""


def total_steps(given: Hyperparameters, batches: int, processes: int = 1) -> tuple[int, float]:
    """(optimizer steps of the run, micro-batches that each process makes of a pass), where a pass has so
    many batches."""
    a_pass = batches / processes
    micro = given.epochs * a_pass
    return given.max_steps or max(1, math.ceil(micro / given.gradient_accumulation)), a_pass


def read_weights(task: Task, folder: Path) -> None:
    """Takes the trained weights of a checkpoint. Raises TrainerError `checkpointMismatch`."""
    saved, own = load_file(folder / WEIGHTS_FILE), task.trainable()
    if set(saved) != set(own) or any(saved[n].shape != own[n].shape for n in own):
        raise TrainerError(
            "checkpointMismatch",
            "the checkpoint holds other weights than this run trains",
            str(folder),
            "Resume with the model, method and adapter settings of the checkpoint.",
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(saved[name])


def read_extra(folder: Path) -> dict[str, torch.Tensor]:
    """What Task.extra gave to a checkpoint."""
    path = folder / EXTRA_FILE
    return load_file(path) if path.is_file() else {}


def average_gradients(parameters: Sequence[torch.nn.Parameter], processes: int) -> None:
    """Replaces each gradient by its mean over all processes. A parameter that no process has a gradient
    for keeps none, so that an optimizer leaves it alone."""
    gradients = [p.grad for p in parameters]
    flat = torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).float().flatten()
            for p, g in zip(parameters, gradients, strict=True)
        ]
        + [torch.tensor([float(g is not None) for g in gradients], device=parameters[0].device)]
    )
    distributed.all_reduce(flat)
    present = flat[-len(parameters) :]
    sizes = [p.numel() for p in parameters]
    means = torch.split(flat[: -len(parameters)] / processes, sizes)
    for parameter, mean, some in zip(parameters, means, present.tolist(), strict=True):
        if some:
            parameter.grad = mean.view_as(parameter).to(parameter.dtype)


class Loop:
    """Trains a task's parameters with the optimizer of the plan."""

    def __init__(self, task: Task, given: Hyperparameters, device: str) -> None:
        self._task = task
        self._given = given
        precision = "no" if given.precision == "fp32" else given.precision
        # The library keeps one precision for all of a process; a stage may ask for another than the one
        # before it. The group of processes is kept apart and stays.
        AcceleratorState._reset_state()  # noqa: SLF001
        self._accelerator = Accelerator(mixed_precision=precision, cpu=device == "cpu")
        self._processes = self._accelerator.num_processes
        self._order = Order(task.keys(), given.batch_size, given.seed)
        self._total, self._pass = total_steps(given, len(self._order), self._processes)
        self._parameters = task.trainable()
        optimizer = make_optimizer(self._parameters.values(), given)
        self._scheduler = get_scheduler(
            given.scheduler, optimizer, math.ceil(given.warmup_ratio * self._total), self._total
        )
        # With more than one process nothing is wrapped around the network: gradients are averaged here.
        task.module = self._accelerator.prepare_model(
            task.module, evaluation_mode=self._processes > 1
        )
        self._optimizer = self._accelerator.prepare_optimizer(optimizer)

    def run(self, hooks: Hooks, resume: Path | None) -> None:
        """Steps until the end or until told to stop. Goes on from a checkpoint where one is given."""
        step = 0 if resume is None else self._restore(resume)
        hooks.begin(self._total, step)
        while step < self._total:
            hooks.step_begins()
            loss, norm = self._step(step)
            rate = float(self._scheduler.get_last_lr()[0])
            self._scheduler.step()
            step += 1
            hooks.logged(step, StepFigures(loss, rate, norm, tokens=None))
            done = step * self._given.gradient_accumulation / self._pass
            told = hooks.step_ended(step, done)
            if told.save:
                self._save(hooks, step)
            if told.stop:
                return

    def _step(self, step: int) -> tuple[float, float]:
        """(mean loss, gradient norm) of an optimizer step."""
        given, accelerator = self._given, self._accelerator
        losses: list[torch.Tensor] = []
        for micro in range(given.gradient_accumulation):
            position = step * given.gradient_accumulation + micro
            place = position * accelerator.num_processes + accelerator.process_index
            rows = self._order.at(place)
            seed_all(given.seed, "micro-step", place)
            with accelerator.autocast():
                loss = self._task.loss(rows) / given.gradient_accumulation
            accelerator.backward(loss)
            losses.append(loss.detach())
        # Read once a step: a GPU that has to tell after each micro-batch stands still in between.
        total = torch.stack(losses).sum()
        if self._processes > 1:
            average_gradients(list(self._parameters.values()), self._processes)
            total = accelerator.reduce(total, "mean")
        norm = accelerator.clip_grad_norm_(self._parameters.values(), MAX_GRADIENT_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._task.average is not None:
            self._task.average.step()
        return float(total), float(norm)

    def _save(self, hooks: Hooks, step: int) -> None:
        def write(folder: Path) -> None:
            held = {n: p.detach().cpu().contiguous() for n, p in self._parameters.items()}
            save_file(held, folder / WEIGHTS_FILE)
            scaler = self._accelerator.scaler
            state = {
                "optimizer": self._optimizer.state_dict(),
                "scheduler": self._scheduler.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
            }
            torch.save(state, folder / OPTIMIZER_FILE)
            extra = {n: t.detach().cpu().contiguous() for n, t in self._task.extra().items()}
            if extra:
                save_file(extra, folder / EXTRA_FILE)
            if self._task.average is not None:
                self._task.average.save(folder)
            (folder / STATE_FILE).write_text(json.dumps({"step": step}) + "\n")

        hooks.save(step, Content(write))

    def _restore(self, folder: Path) -> int:
        read_weights(self._task, folder)
        state: Any = torch.load(folder / OPTIMIZER_FILE, map_location="cpu", weights_only=True)
        self._optimizer.load_state_dict(state["optimizer"])
        self._scheduler.load_state_dict(state["scheduler"])
        rebase(self._optimizer, self._scheduler, self._given.learning_rate)
        if self._task.average is not None:
            self._task.average.load(folder)
        if self._accelerator.scaler is not None and state["scaler"] is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])
        return int(json.loads((folder / STATE_FILE).read_text())["step"])
