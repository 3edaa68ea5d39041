"""Going on from the checkpoint of another job, whose plan was amended: what may differ from that one's."""

from __future__ import annotations

from typing import Any

from kriptik_trainer.errors import TrainerError

FREE = frozenset(
    {
        "learning_rate",
        "warmup_ratio",
        "scheduler",
        "epochs",
        "max_steps",
        "gradient_checkpointing",
        "checkpoint_every_steps",
    }
)
"""Settings that neither change which rows a step takes nor what its gradients mean. The learning rate is a
function of the step alone, so the schedule of the plan in force holds from the first new step on."""

PIECES = ("batch_size", "gradient_accumulation")
"""Their product is the rows of a step; where those come in the same order whatever pieces a step is made
of, the pieces may differ."""

BY_STEPS = ("llm", "code", "multimodal")
"""Kinds of models whose trainers do so; the loop for the others shuffles whole pieces."""

TOLD = frozenset({"trainer", "libraries", "threads"})
"""Facts that may make the last bits differ, and no more."""


def misfits(before: dict[str, Any], now: dict[str, Any], modality: str) -> list[str]:
    """Names of the facts (setup.facts_of) in which a run cannot go on from a checkpoint of another job."""
    found = [
        name
        for name in now
        if name not in TOLD | {"hyperparameters"} and name in before and before[name] != now[name]
    ]
    old, new = before.get("hyperparameters", {}), now["hyperparameters"]
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if now["method"] == "rlhf":
        # The share of the reward model is counted in steps, and a batch in prompts.
        free = FREE - {"epochs", "max_steps"}
    elif modality in BY_STEPS and _rows(old) == _rows(new):
        free = FREE | set(PIECES)
    else:
        free = FREE
    return found + [f"hyperparameters.{name}" for name in sorted(changed - free)]


def _rows(hyper: dict[str, Any]) -> int:
    return int(hyper.get("batch_size", 0)) * int(hyper.get("gradient_accumulation", 0))


def refuse_misfits(before: dict[str, Any], now: dict[str, Any], modality: str, uri: str) -> None:
    """Raises TrainerError `checkpointMismatch` unless only what may differ does."""
    found = misfits(before, now, modality)
    if found:
        raise TrainerError(
            "checkpointMismatch",
            f"the checkpoint of another job was trained with other settings: {', '.join(found)}",
            uri,
            "Start over, or change the learning rate, the number of steps or the pieces of a step only.",
        )


def is_extended(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a run ends at another step than the one that a checkpoint is of."""
    old, new = before.get("hyperparameters", {}), now["hyperparameters"]
    return any(name in old and old[name] != new[name] for name in ("epochs", "max_steps"))
