"""Which settings of a plan may differ from those of another job's checkpoint."""

from __future__ import annotations

from typing import Any

import pytest

from kriptik_trainer.continuing import is_extended, misfits


def facts(method: str = "lora", **hyper: Any) -> dict[str, Any]:
    given = {
        "learning_rate": 0.001,
        "warmup_ratio": 0.03,
        "epochs": 2.0,
        "max_steps": 100,
        "batch_size": 4,
        "gradient_accumulation": 2,
        "gradient_checkpointing": False,
        "max_length": 512,
        "seed": 1,
    }
    return {
        "trainer": "1.0",
        "model": "a/b",
        "revision": "c1",
        "method": method,
        "lora": {"r": 8},
        "data": ["d"],
        "hyperparameters": {**given, **hyper},
        "threads": 2,
        "processes": 1,
    }


@pytest.mark.parametrize(
    ("modality", "before", "now", "found"),
    [
        ("llm", facts(), facts(learning_rate=0.0005), []),
        ("llm", facts(), facts(max_steps=50, epochs=1.0), []),
        ("llm", facts(), facts(gradient_checkpointing=True), []),
        ("llm", facts(), facts(batch_size=2, gradient_accumulation=4), []),
        ("llm", facts(), facts() | {"threads": 4, "trainer": "1.1"}, []),
        ("llm", facts() | {"libraries": {"torch": "2"}}, facts() | {"libraries": {}}, []),
        ("llm", facts() | {"unknown": 1}, facts(), []),
        (
            "llm",
            facts(),
            facts(batch_size=2),
            ["hyperparameters.batch_size"],
        ),
        (
            "image",
            facts(),
            facts(batch_size=2, gradient_accumulation=4),
            ["hyperparameters.batch_size", "hyperparameters.gradient_accumulation"],
        ),
        ("image", facts(), facts(learning_rate=0.0005), []),
        ("llm", facts("rlhf"), facts("rlhf", max_steps=50), ["hyperparameters.max_steps"]),
        (
            "llm",
            facts("rlhf"),
            facts("rlhf", batch_size=2, gradient_accumulation=4),
            ["hyperparameters.batch_size", "hyperparameters.gradient_accumulation"],
        ),
        ("llm", facts(), facts(max_length=256), ["hyperparameters.max_length"]),
        ("llm", facts(), facts(seed=2), ["hyperparameters.seed"]),
        ("llm", facts(), facts() | {"model": "a/c"}, ["model"]),
        ("llm", facts(), facts() | {"revision": "c2"}, ["revision"]),
        ("llm", facts(), facts() | {"lora": {"r": 4}}, ["lora"]),
        ("llm", facts(), facts("qlora"), ["method"]),
        ("llm", facts(), facts() | {"data": ["e"]}, ["data"]),
        ("llm", facts(), facts() | {"processes": 2}, ["processes"]),
    ],
)
def test_what_may_differ(
    modality: str, before: dict[str, Any], now: dict[str, Any], found: list[str]
) -> None:
    assert misfits(before, now, modality) == found


def test_a_run_of_another_length_is_not_at_its_end() -> None:
    assert is_extended(facts(), facts(max_steps=120))
    assert is_extended(facts(), facts(epochs=3.0))
    assert not is_extended(facts(), facts(learning_rate=0.1))
