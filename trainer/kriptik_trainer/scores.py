"""Figures of a language model on rows that it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from kriptik_trainer.tokens import IGNORED, Encoded


@contextmanager
def at_rest(model: Any) -> Iterator[None]:
    """Without gradients and dropout; the modules' modes are put back.

    Weights of 4 bits stay in the mode of training: bitsandbytes repacks them for good on the first pass
    at rest on some CPUs, after which they cannot be trained through.
    """
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = type(module).__name__ == "Linear4bit"
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def mean_log_likelihood(model: Any, row: Encoded) -> tuple[float, int]:
    """(sum of log-likelihoods of the learnable tokens, their number)."""
    ids = torch.tensor([row.input_ids], device=model.device)
    labels = torch.tensor(row.labels[1:], device=model.device)
    logits = model(input_ids=ids).logits[0, :-1].float()
    loss = cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return -float(loss), int((labels != IGNORED).sum())


def perplexity(model: Any, rows: Sequence[Encoded]) -> dict[str, float]:
    """exp of the mean negative log-likelihood of the answers' tokens; lower is better."""
    total, tokens = 0.0, 0
    with at_rest(model):
        for row in rows:
            one, count = mean_log_likelihood(model, row)
            total += one
            tokens += count
    mean = -total / max(1, tokens)
    return {"perplexity": math.exp(min(mean, 100.0)), "loss": mean}


def preference(model: Any, pairs: Sequence[tuple[Encoded, Encoded]]) -> dict[str, float]:
    """How much likelier, by token, the chosen answer is than the rejected one; higher is better."""
    margins = []
    with at_rest(model):
        for chosen, rejected in pairs:
            good, bad = (mean_log_likelihood(model, one) for one in (chosen, rejected))
            margins.append(good[0] / max(1, good[1]) - bad[0] / max(1, bad[1]))
    return {
        "preferenceMargin": sum(margins) / len(margins),
        "preferenceAccuracy": sum(margin > 0 for margin in margins) / len(margins),
    }


def likelihood_gap(model: Any, rows: Sequence[tuple[Encoded, bool]]) -> dict[str, float]:
    """Mean log-likelihood of a token, counted against the model where the answer is a bad one: for rows
    that are judged one by one; higher is better."""
    total = 0.0
    with at_rest(model):
        for row, good in rows:
            one, count = mean_log_likelihood(model, row)
            total += (1 if good else -1) * one / max(1, count)
    return {"likelihoodGap": total / len(rows)}
