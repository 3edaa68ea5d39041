"""The model card: what the model is, what it was made of, and what that took."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kriptik_trainer import __version__
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
    data: tuple[tuple[str, str | None, int], ...]


def _front_matter(spec: Spec, name: str) -> str:
    lines = [
        f"base_model: {json.dumps(spec.model.id)}",
        f"license: {json.dumps(spec.model.license or 'other')}",
        f"library_name: {'peft' if name == 'adapter' else 'transformers'}",
        "pipeline_tag: text-generation",
        "tags: [kriptik, sft, " + ("lora" if spec.method == "lora" else "full-fine-tune") + "]",
    ]
    return "\n".join(["---", *lines, "---"])


def _table(rows: list[tuple[str, object]]) -> str:
    shown = [f"| {name} | {value} |" for name, value in rows if value is not None]
    return "\n".join(["| | |", "| --- | --- |", *shown])


def _use(spec: Spec, name: str) -> str:
    load = 'AutoModelForCausalLM.from_pretrained("PATH")'
    imports = "from transformers import AutoModelForCausalLM, AutoTokenizer"
    if name == "adapter":
        imports = (
            "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer"
        )
        load = 'AutoPeftModelForCausalLM.from_pretrained("PATH")'
    return (
        f"```python\n{imports}\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("PATH")\nmodel = {load}\n```'
    )


def model_card(spec: Spec, figures: Figures, name: str) -> str:
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

    method = "full fine-tune"
    if spec.method == "lora":
        lora = spec.lora
        method = (
            f"LoRA, rank {lora.r}, alpha {lora.alpha:g}, dropout {lora.dropout:g}, "
            f"targets {', '.join(lora.targets)}"
        )
    training: list[tuple[str, object]] = [
        ("method", method),
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
    kind = "LoRA adapter" if name == "adapter" else "full weights"
    return f"""{_front_matter(spec, name)}

# {spec.job.rpartition("/")[2]}

A fine-tuned {spec.model.id} ({kind}).
{goal}
## Use

{_use(spec, name)}

## Base model

`{spec.model.id}`{f", revision `{spec.model.revision}`" if spec.model.revision else ""}, \
licence {spec.model.license or "not stated"}. The licence of the base model holds for this one too.

## Data

{chr(10).join(data)}

In all {figures.rows:,} rows and {figures.tokens:,} tokens a pass; only the answers count in the loss.

## Training

{_table(training)}

## Origin

{_table(origin)}
"""
