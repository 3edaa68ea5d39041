"""The model card: what the model is, what it was made of, and what that took."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kriptik_trainer import __version__
from kriptik_trainer.executors.base import CardFacts
from kriptik_trainer.options import Options
from kriptik_trainer.spec import Spec


@dataclass(frozen=True)
class Figures:
    """Measured during the run; `data` holds (URI, hash, rows) of each set."""

    steps: int
    first_loss: float | None
    last_loss: float | None
    seconds_per_step: float | None
    device: str
    rows: int
    tokens: int
    parameters: int
    trainable: int
    evaluation: dict[str, Any] | None
    data: tuple[tuple[str, str | None, int], ...]


def _front_matter(spec: Spec, facts: CardFacts) -> str:
    tags = ["kriptik", spec.method, *(["sft"] if spec.method in ("lora", "qlora", "full") else [])]
    lines = [
        f"base_model: {json.dumps(spec.model.id)}",
        f"license: {json.dumps(spec.model.license or 'other')}",
        f"library_name: {facts.library}",
        f"pipeline_tag: {facts.pipeline_tag}",
        f"tags: [{', '.join(tags)}]",
    ]
    return "\n".join(["---", *lines, "---"])


def _table(rows: list[tuple[str, object]]) -> str:
    shown = [f"| {name} | {value} |" for name, value in rows if value is not None]
    return "\n".join(["| | |", "| --- | --- |", *shown])


def _preference_text(options: Options) -> str:
    if options.preference == "dpo":
        return f"DPO ({options.loss}, beta {options.beta:g})"
    return f"{options.preference.upper()} (beta {options.beta:g})"


def method_text(spec: Spec) -> str:
    """The method in words."""
    if spec.method == "full":
        return "full fine-tune"
    if spec.method == "textual-inversion":
        return f"textual inversion of the word {spec.options.token}"
    lora = spec.lora
    names = {
        "lora": "LoRA",
        "qlora": "QLoRA (base in 4 bits)",
        "dpo": f"{_preference_text(spec.options)} with LoRA",
        "rlhf": f"RLHF ({spec.options.algorithm}, reward by {spec.options.reward}) with LoRA",
        "dreambooth": "DreamBooth with LoRA",
        "voice-clone": "voice clone with LoRA",
    }
    return (
        f"{names[spec.method]}, rank {lora.r}, alpha {lora.alpha:g}, dropout {lora.dropout:g}, "
        f"targets {', '.join(lora.targets)}"
    )


def _notes(facts: CardFacts) -> str:
    return "".join(f"\n{note}\n" for note in facts.notes)


def _evaluation(evaluation: dict[str, Any] | None) -> str:
    if evaluation is None:
        return ""
    lines = ["| held-out figure | base | this model |", "| --- | --- | --- |"]
    for name, value in evaluation["latest"].items():
        base = evaluation["base"].get(name)
        shown = "" if base is None else f"{base:.4g}"
        lines.append(f"| {name} | {shown} | {'' if value is None else f'{value:.4g}'} |")
    better = f"For {evaluation['metric']}, {evaluation['better']} is better."
    if evaluation.get("remark"):
        better = f"{better} {evaluation['remark']}."
    return "\n".join(["", "## Evaluation", "", *lines, "", better, ""])


def model_card(spec: Spec, figures: Figures, name: str, facts: CardFacts) -> str:
    """README.md of an output, with the front matter that model hubs read."""
    hyper, card = spec.hyperparameters, spec.card
    goal = "" if card.goal is None else "\n> " + "\n> ".join(card.goal.strip().splitlines()) + "\n"
    data = [
        f"- `{uri}`: {rows} rows" + ("" if sha is None else f", SHA-256 `{sha}`")
        for uri, sha, rows in figures.data
    ]
    price = None
    if card.unit_price_per_hour is not None:
        price = f"{card.unit_price_per_hour} {card.currency or ''} an hour".replace("  ", " ")

    def loss(value: float | None) -> str | None:
        return None if value is None else f"{value:.4f}"

    training: list[tuple[str, object]] = [
        ("method", method_text(spec)),
        ("steps", figures.steps),
        ("batch size x accumulation", f"{hyper.batch_size} x {hyper.gradient_accumulation}"),
        ("learning rate", f"{hyper.learning_rate:g}, {hyper.scheduler}"),
        ("warm-up", f"{hyper.warmup_ratio:g} of the steps"),
        ("max length", f"{hyper.max_length} tokens"),
        ("precision", hyper.precision),
        ("seed", hyper.seed),
        ("trained parameters", f"{figures.trainable:,} of {figures.parameters:,}"),
        ("device", figures.device),
        ("seconds per step", figures.seconds_per_step),
        ("loss at the first step", loss(figures.first_loss)),
        ("loss at the last step", loss(figures.last_loss)),
    ]
    origin: list[tuple[str, object]] = [
        ("job", spec.job),
        ("attempt", spec.attempt),
        ("plan", card.plan),
        ("plan digest", card.digest and f"`{card.digest}`"),
        ("price of the machine", price),
        ("trainer", f"kriptik-trainer {__version__}"),
    ]
    kind = "adapter" if name == "adapter" else "full weights"
    return f"""{_front_matter(spec, facts)}

# {spec.job.rpartition("/")[2]}

A fine-tuned {spec.model.id} ({kind}).
{goal}
## Use

```python
{facts.use}
```

## Base model

`{spec.model.id}`{f", revision `{spec.model.revision}`" if spec.model.revision else ""}, \
licence {spec.model.license or "not stated"}. The licence of the base model holds for this one too.

## Data

{chr(10).join(data)}

In all {figures.rows:,} rows and {figures.tokens:,} {facts.counted}.

## Training

{_table(training)}
{_evaluation(figures.evaluation)}{_notes(facts)}
## Origin

{_table(origin)}
"""
