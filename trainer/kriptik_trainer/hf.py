"""The loop for everything that transformers and TRL train: their trainers, with the run's checkpoints."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, TrainerCallback
from transformers.utils import logging as transformers_logging

from kriptik_trainer import sharding
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import seed_all
from kriptik_trainer.executors.base import CardFacts, Content, Hooks, Instruction, StepFigures
from kriptik_trainer.hf_sharded import Sharded
from kriptik_trainer.optimizers import HF_NAMES, rebase, refuse_what_cannot_be
from kriptik_trainer.spec import Hyperparameters, Spec

Rows = list[tuple[str, Example]]
"""(file, example) of each row."""


class _Callback(TrainerCallback):  # type: ignore[misc]
    """Carries the trainer's events to the run and its instructions back."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._tokens = 0

    def count(self, tokens: int) -> None:
        """Adds tokens of a micro-batch."""
        self._tokens += tokens

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.world_size > 1:
            # Or all would drop the same inputs out. A resume puts each process's own numbers back.
            seed_all(args.seed, "process", args.process_index)
        self._hooks.begin(int(state.max_steps), int(state.global_step))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._hooks.step_begins()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        told: Instruction = self._hooks.step_ended(int(state.global_step), float(state.epoch or 0))
        control.should_log = True
        control.should_save = told.save
        control.should_training_stop = control.should_training_stop or told.stop

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        # The run keeps the figures of each step; the trainer would write them into every checkpoint.
        state.log_history.clear()
        if logs is None or "loss" not in logs:
            return
        tokens, self._tokens = self._tokens, 0
        figures = StepFigures(
            loss=float(logs["loss"]),
            rate=logs.get("learning_rate"),
            norm=logs.get("grad_norm"),
            tokens=tokens or None,
        )
        self._hooks.logged(int(state.global_step), figures)


class Committed(Sharded):
    """Mixed into a trainer class: its checkpoints are committed by the run, whole or not at all."""

    hooks: Hooks
    callback: _Callback
    args: Any
    state: Any

    def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        ids = (
            inputs.get("input_ids") if isinstance(inputs, dict) or hasattr(inputs, "get") else None
        )
        if ids is not None:
            self.callback.count(int(ids.numel()))
        return super().training_step(model, inputs, *rest, **named)  # type: ignore[misc]

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The run writes a card of its own."""

    def _save_checkpoint(self, model: Any, trial: Any, *rest: Any, **named: Any) -> None:
        step = int(self.state.global_step)
        usual_save = super()._save_checkpoint  # type: ignore[misc]
        alone = int(self.args.world_size) == 1

        def write(folder: Path) -> None:
            usual = self.args.output_dir
            self.args.output_dir = str(folder)
            try:
                usual_save(model, trial, *rest, **named)
            finally:
                self.args.output_dir = usual
            made = folder / f"checkpoint-{step}"
            for path in made.iterdir():
                path.rename(folder / path.name)
            made.rmdir()

        def random_numbers(folder: Path) -> None:
            self._save_rng_state(str(folder))  # type: ignore[attr-defined]

        part = None if alone else random_numbers
        try:
            self.hooks.save(step, Content(write, part, self.gather))
        finally:
            self.release()

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            rebase(self.optimizer, self.lr_scheduler, float(self.args.learning_rate))

    def store_flos(self) -> None:
        """The usual one sums over all processes, but only the first one writes a checkpoint."""
        if int(self.args.world_size) == 1:
            super().store_flos()  # type: ignore[misc]


def pick_device() -> dict[str, Any]:
    """The protocol's device object for this machine."""
    if torch.cuda.is_available():
        return {
            "type": "cuda",
            "name": torch.cuda.get_device_name(0),
            "count": torch.cuda.device_count(),
        }
    if torch.backends.mps.is_available():
        return {"type": "mps", "name": "Apple GPU", "count": 1}
    return {"type": "cpu", "name": f"CPU, {torch.get_num_threads()} threads", "count": 1}


def common_arguments(given: Hyperparameters, output: str, device: str) -> dict[str, Any]:
    """What every trainer is told; a method adds its own."""
    return {
        "output_dir": output,
        "use_cpu": device == "cpu",
        "bf16": given.precision == "bf16",
        "fp16": given.precision == "fp16",
        "max_steps": given.max_steps or -1,
        "num_train_epochs": given.epochs,
        "per_device_train_batch_size": given.batch_size,
        "gradient_accumulation_steps": given.gradient_accumulation,
        "learning_rate": given.learning_rate,
        # Below 1 it is a share of all steps; 1 itself would be read as one step.
        "warmup_steps": min(given.warmup_ratio, 0.999999),
        "lr_scheduler_type": given.scheduler,
        "optim": HF_NAMES[given.optimizer],
        "seed": given.seed,
        # The order of rows is the same in all processes; each takes its share of it.
        "data_seed": given.seed,
        # The gradients lie in the same places of the same buffers at every step, so that their sums
        # over processes do not depend on how many steps an attempt has made.
        "ddp_find_unused_parameters": True,
        "ddp_broadcast_buffers": False,
        "gradient_checkpointing": given.gradient_checkpointing,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device == "cuda",
    }


def keep_adapters_whole(model: Any) -> None:
    """Trained weights in 32 bits. TRL holds those of a 4-bit base in 16, which a resume would not."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


class HfExecutor:
    """See executors.base.Executor. A method gives `build`, `figures`, `evaluate` and `card`."""

    watched: tuple[str, str] = ("perplexity", "lower")
    makes_samples = False
    remark: str | None = None

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        self.spec = spec
        self.folder = folder
        self.examples = examples
        self.held_out = held_out
        self.scratch = tempfile.TemporaryDirectory(prefix="kriptik-trainer-")
        self.warnings: list[str] = []
        self.device = pick_device()
        self.whole: sharding.Tensors | None = None
        """All weights at the end of a sharded run, in the first process."""
        self._trainer: Any = None

    @property
    def trainer(self) -> Any:
        """The trainer, once prepare() has made it."""
        if self._trainer is None:
            raise RuntimeError("prepare() comes first")
        return self._trainer

    @property
    def model(self) -> Any:
        """The model as it is now, without what a trainer wraps around it."""
        return self.trainer.accelerator.unwrap_model(self.trainer.model)

    def build(self) -> Any:
        """Loads model and data and makes the trainer."""
        raise NotImplementedError

    def figures(self) -> dict[str, Any]:
        """`rows` and `tokens` of a pass over the data."""
        raise NotImplementedError

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """The common arguments of this run."""
        given = common_arguments(
            self.spec.hyperparameters, self.scratch.name, str(self.device["type"])
        )
        if self.spec.parallelism == "sharded":
            # Or each process would keep the gradients of all weights until the last micro-batch.
            every = {"gradient_accumulation_kwargs": {"sync_each_batch": True}}
            given["accelerator_config"] = every
        return given

    def prepare(self) -> dict[str, Any]:
        """See Executor.prepare. Raises TrainerError for a model or rows that cannot be used."""
        transformers_logging.disable_progress_bar()
        refuse_what_cannot_be(self.spec, str(self.device["type"]))
        self._trainer = self.build()
        self._trainer.remove_callback(PrinterCallback)
        model = self._trainer.model
        if self.spec.method != "full":
            keep_adapters_whole(model)
        trainable = [p for p in model.parameters() if p.requires_grad]
        return {
            **self.figures(),
            "parameters": sum(p.numel() for p in model.parameters()),
            "trainable": sum(p.numel() for p in trainable),
            "held": sharding.held(model),
            # Weights and the two moments of AdamW.
            "stateBytes": 3 * sum(p.numel() * p.element_size() for p in trainable),
        }

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """See Executor.train."""
        run_trainer(self.trainer, hooks, resume)
        state = self.trainer.state
        if state.global_step >= state.max_steps:
            self._gather()

    def _gather(self) -> None:
        """Brings the weights together for the export, which the first process makes alone."""
        if self.trainer.cut:
            self.whole = sharding.whole_weights(self.model)

    def load(self, checkpoint: Path) -> None:
        """See Executor.load."""
        self.trainer._load_from_checkpoint(str(checkpoint))
        self._gather()

    def sample(self, folder: Path, count: int) -> None:
        """See Executor.sample."""

    def score(self, folder: Path) -> dict[str, float]:
        """See Executor.score."""
        return {}

    @contextmanager
    def as_exported(self) -> Iterator[None]:
        """See Executor.as_exported."""
        try:
            yield
        finally:
            sharding.cut_again(self.model)


def run_trainer(trainer: Any, hooks: Hooks, resume: Path | None) -> None:
    """Trains with a trainer that has `Committed` mixed in."""
    callback = _Callback(hooks)
    trainer.hooks, trainer.callback = hooks, callback
    trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
