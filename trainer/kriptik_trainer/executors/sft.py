"""Supervised fine-tuning of a language model, LoRA or full, on TRL and PEFT."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PrinterCallback,
    TrainerCallback,
    set_seed,
)
from transformers.utils import logging as transformers_logging
from trl import SFTConfig, SFTTrainer

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import Hooks, Instruction
from kriptik_trainer.spec import Hyperparameters, Spec
from kriptik_trainer.tokens import PLAIN_TEMPLATE, Corpus, encode_all


class _Callback(TrainerCallback):  # type: ignore[misc]
    """Carries the trainer's events to the run and its instructions back."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._tokens = 0

    def count(self, tokens: int) -> None:
        """Adds tokens of a micro-batch."""
        self._tokens += tokens

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._hooks.begin(int(state.max_steps), int(state.global_step))

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._hooks.step_begins()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        told: Instruction = self._hooks.step_ended(int(state.global_step), float(state.epoch or 0))
        control.should_log = True
        control.should_save = told.save
        control.should_training_stop = control.should_training_stop or told.stop

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if logs is None or "loss" not in logs:
            return
        tokens, self._tokens = self._tokens, 0
        self._hooks.logged(
            int(state.global_step),
            float(logs["loss"]),
            logs.get("learning_rate"),
            logs.get("grad_norm"),
            tokens or None,
        )


class _Trainer(SFTTrainer):  # type: ignore[misc]
    """An SFTTrainer whose checkpoints are committed by the run, whole or not at all."""

    hooks: Hooks
    callback: _Callback

    def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        self.callback.count(int(inputs["input_ids"].numel()))
        return super().training_step(model, inputs, *rest, **named)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The run writes a card of its own."""

    def _save_checkpoint(self, model: Any, trial: Any, *rest: Any, **named: Any) -> None:
        step = int(self.state.global_step)

        def write(folder: Path) -> None:
            usual = self.args.output_dir
            self.args.output_dir = str(folder)
            try:
                super(_Trainer, self)._save_checkpoint(model, trial, *rest, **named)
            finally:
                self.args.output_dir = usual
            made = folder / f"checkpoint-{step}"
            for path in made.iterdir():
                path.rename(folder / path.name)
            made.rmdir()

        self.hooks.save(step, write)


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


def _config(given: Hyperparameters, output: str, device: str) -> SFTConfig:
    return SFTConfig(
        output_dir=output,
        use_cpu=device == "cpu",
        bf16=given.precision == "bf16",
        fp16=given.precision == "fp16",
        max_steps=given.max_steps or -1,
        num_train_epochs=given.epochs,
        per_device_train_batch_size=given.batch_size,
        gradient_accumulation_steps=given.gradient_accumulation,
        learning_rate=given.learning_rate,
        # Below 1 it is a share of all steps; 1 itself would be read as one step.
        warmup_steps=min(given.warmup_ratio, 0.999999),
        lr_scheduler_type=given.scheduler,
        optim="adamw_torch",
        max_length=None,
        seed=given.seed,
        gradient_checkpointing=given.gradient_checkpointing,
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=device == "cuda",
        dataset_kwargs={"skip_prepare_dataset": True},
    )


class SftExecutor:
    """See executors.base.Executor."""

    def __init__(self, spec: Spec, folder: Path, examples: list[tuple[str, Example]]) -> None:
        self._spec = spec
        self._folder = folder
        self._examples = examples
        self._scratch = tempfile.TemporaryDirectory(prefix="kriptik-trainer-")
        self._trainer: _Trainer | None = None
        self._tokenizer: Any = None
        self.corpus: Corpus | None = None
        self.warnings: list[str] = []
        self.device = pick_device()

    def prepare(self) -> dict[str, Any]:
        """See Executor.prepare. Raises TrainerError for a model or rows that cannot be used."""
        spec, hyper = self._spec, self._spec.hyperparameters
        transformers_logging.disable_progress_bar()
        if hyper.precision == "fp16" and self.device["type"] == "cpu":
            raise TrainerError(
                "unsupportedPrecision",
                "fp16 cannot be trained on a CPU",
                "hyperparameters.precision",
                "Use fp32, or bf16 on a CPU that has it.",
            )
        self._tokenizer = self._load_tokenizer()
        corpus = encode_all(self._tokenizer, self._examples, hyper.max_length)
        self.corpus = corpus
        self.warnings += corpus.warnings(hyper.max_length)
        rows = [{"input_ids": r.input_ids, "labels": r.labels} for r in corpus.rows]
        # LoRA weights are drawn at random: seeded right before, they do not depend on what came earlier.
        set_seed(hyper.seed)
        model = self._load_model()
        lora = self._lora() if spec.method == "lora" else None
        trainer = _Trainer(
            model=model,
            args=_config(hyper, self._scratch.name, self.device["type"]),
            train_dataset=Dataset.from_list(rows),
            processing_class=self._tokenizer,
            peft_config=lora,
        )
        trainer.remove_callback(PrinterCallback)
        self._trainer = trainer
        trainable = [p for p in trainer.model.parameters() if p.requires_grad]
        return {
            "rows": len(corpus.rows),
            "tokens": corpus.tokens,
            "parameters": sum(p.numel() for p in trainer.model.parameters()),
            "trainable": sum(p.numel() for p in trainable),
            # Weights and the two moments of AdamW.
            "stateBytes": 3 * sum(p.numel() * p.element_size() for p in trainable),
        }

    def _load_tokenizer(self) -> Any:
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._folder)
        except (OSError, ValueError) as error:
            raise TrainerError(
                "tokenizerUnusable",
                f"the tokenizer cannot be loaded: {str(error).splitlines()[0]}",
                str(self._folder),
                "Check that the model folder is complete.",
            ) from error
        if not getattr(tokenizer, "is_fast", False):
            raise TrainerError(
                "tokenizerUnusable",
                "the model has no fast tokenizer (tokenizer.json)",
                str(self._folder),
                "Convert it with AutoTokenizer.from_pretrained(...).save_pretrained(...).",
            )
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        if not tokenizer.chat_template:
            tokenizer.chat_template = PLAIN_TEMPLATE
            self.warnings.append("the model has no chat template; a plain one is used and saved")
        return tokenizer

    def _load_model(self) -> Any:
        # Adapters train in full precision on a base that may be held in half of it; a full fine-tune
        # keeps its weights whole and computes in half, or small updates would be lost.
        half = self._spec.hyperparameters.precision == "bf16" and self._spec.method == "lora"
        dtype = torch.bfloat16 if half else torch.float32
        try:
            model = AutoModelForCausalLM.from_pretrained(self._folder, dtype=dtype)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise TrainerError(
                "modelUnusable",
                f"the model cannot be loaded: {str(error).splitlines()[0][:300]}",
                str(self._folder),
                "Check that it is a causal language model and that its files are complete.",
            ) from error
        model.config.use_cache = False
        return model

    def _lora(self) -> LoraConfig:
        given = self._spec.lora
        targets = "all-linear" if given.targets == ("all-linear",) else list(given.targets)
        return LoraConfig(
            r=given.r,
            lora_alpha=given.alpha,
            lora_dropout=given.dropout,
            target_modules=targets,
            task_type="CAUSAL_LM",
        )

    def _ready(self) -> _Trainer:
        if self._trainer is None:
            raise RuntimeError("prepare() comes first")
        return self._trainer

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """See Executor.train."""
        trainer = self._ready()
        callback = _Callback(hooks)
        trainer.hooks, trainer.callback = hooks, callback
        trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))

    def load(self, checkpoint: Path) -> None:
        """Takes the weights of a checkpoint without training, for an export that is still due."""
        trainer = self._ready()
        trainer._load_from_checkpoint(str(checkpoint))

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export. `merged` comes last: merging changes the model."""
        trainer = self._ready()
        model = trainer.accelerator.unwrap_model(trainer.model)
        if name == "adapter":
            for config in model.peft_config.values():
                config.base_model_name_or_path = self._spec.model.id
            model.save_pretrained(folder)
        else:
            if self._spec.method == "lora":
                model = model.merge_and_unload()
            model.config.use_cache = True
            model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
