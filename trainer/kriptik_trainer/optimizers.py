"""Which optimizer trains, how trained weights are held, and what of that cannot be done here."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any

import torch

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import Hyperparameters, Spec

HF_NAMES = {
    "adamw": "adamw_torch_fused",
    "adamw-8bit": "adamw_bnb_8bit",
    "adafactor": "adafactor",
}
"""What trainers of transformers and TRL call them. Fused, a step of an adapter's hundreds of small weights is
one call and not a dozen for each; it is also what these trainers take by themselves."""


def _unsupported(message: str, where: str, remedy: str) -> TrainerError:
    return TrainerError("unsupportedSetting", message, f"hyperparameters.{where}", remedy)


def refuse_what_cannot_be(spec: Spec, device: str, averages: bool = False) -> None:
    """Raises TrainerError `unsupportedSetting`, `unsupportedPrecision` or `notInstalled` for settings
    that would not be applied: what was approved is trained, or nothing is. `averages` says whether the
    method can train a moving average."""
    given = spec.hyperparameters
    if given.ema_decay is not None and not averages:
        raise _unsupported(
            f"{spec.method} of {spec.modality} models keeps no moving average of the weights",
            "emaDecay",
            "Leave it out; it is for pictures, clips and sound.",
        )
    if given.precision == "fp16" and device == "cpu":
        raise TrainerError(
            "unsupportedPrecision",
            "fp16 cannot be trained on a CPU",
            "hyperparameters.precision",
            "Use fp32, or bf16 on a CPU that has it.",
        )
    if spec.parallelism == "sharded":
        _refuse_sharded(spec)
    if given.offload_optimizer and device != "cpu":
        raise _unsupported(
            "the optimizer's state cannot be kept in main memory apart from the weights",
            "offloadOptimizer",
            "Leave it out: take adamw-8bit or adafactor, the method lora, or GPUs with more memory.",
        )
    if given.weight_precision == "bf16":
        if spec.method != "full":
            raise _unsupported(
                f"{spec.method} trains few weights and holds them in 32 bits",
                "weightPrecision",
                "Leave it out, or use mixed.",
            )
        if given.precision != "bf16":
            raise _unsupported(
                f"weights in bf16 cannot be computed with in {given.precision}",
                "weightPrecision",
                "Use the precision bf16 with it, or mixed weights.",
            )
    if given.optimizer == "adamw-8bit" and importlib.util.find_spec("bitsandbytes") is None:
        raise TrainerError(
            "notInstalled",
            "adamw-8bit needs bitsandbytes, which this interpreter does not have",
            "hyperparameters.optimizer",
            "Run trainer/install.sh --with llm.",
        )


def _refuse_sharded(spec: Spec) -> None:
    given = spec.hyperparameters
    if given.precision == "fp16":
        raise TrainerError(
            "unsupportedPrecision",
            "fp16 cannot be trained on shards of a model",
            "hyperparameters.precision",
            "Use bf16 or fp32.",
        )
    if spec.method == "full" and given.optimizer != "adamw":
        raise _unsupported(
            f"{given.optimizer} does not know weights that are cut into shards",
            "optimizer",
            "Take adamw, whose state is cut into shards too, or the method lora.",
        )


def make_optimizer(parameters: Iterable[torch.nn.Parameter], given: Hyperparameters) -> Any:
    """The optimizer of our own loop."""
    if given.optimizer == "adafactor":
        from transformers import Adafactor  # noqa: PLC0415

        # The learning rate is the plan's, not one of its own making.
        return Adafactor(
            parameters, lr=given.learning_rate, scale_parameter=False, relative_step=False
        )
    if given.optimizer == "adamw-8bit":
        from bitsandbytes import optim  # noqa: PLC0415

        made: Any = optim.AdamW8bit  # type: ignore[attr-defined]
        return made(parameters, lr=given.learning_rate)
    return torch.optim.AdamW(parameters, lr=given.learning_rate, fused=True)


def rebase(optimizer: Any, scheduler: Any, rate: float) -> None:
    """Puts the learning rate of the plan in force in the place of the one that a checkpoint was saved with.

    The schedule is a function of the step, so that it holds from the next step on. Where the rate is the
    same nothing changes.
    """
    scheduler = getattr(scheduler, "scheduler", scheduler)
    scheduler.base_lrs = [rate for _ in scheduler.base_lrs]
    rates = [rate * at(scheduler.last_epoch) for at in scheduler.lr_lambdas]
    for group, now in zip(optimizer.param_groups, rates, strict=True):
        group["initial_lr"], group["lr"] = rate, now
    scheduler._last_lr = rates  # noqa: SLF001
