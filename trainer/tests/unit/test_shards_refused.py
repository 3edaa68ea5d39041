"""Which runs may be trained on shards of a model, and what is said of all others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kriptik_trainer.capabilities import capabilities
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.optimizers import refuse_what_cannot_be
from kriptik_trainer.setup import refuse_together
from kriptik_trainer.spec import Spec, parse_spec
from support.schema import PROTOCOL, SCHEMA

EXAMPLE = json.loads((PROTOCOL / "examples" / "spec.json").read_text())


def sharded(modality: str = "llm", method: str = "full", **hyperparameters: Any) -> Spec:
    return parse_spec(
        {
            **EXAMPLE,
            "parallelism": "sharded",
            "modality": modality,
            "method": {"name": method},
            "hyperparameters": {
                **EXAMPLE["hyperparameters"],
                "optimizer": "adamw",
                **hyperparameters,
            },
            "outputs": ["merged"],
        }
    )


@pytest.mark.parametrize(
    ("modality", "method"),
    [("llm", "lora"), ("llm", "full"), ("llm", "dpo"), ("code", "lora"), ("code", "full")],
)
def test_language_models_are_trained_on_shards(modality: str, method: str) -> None:
    spec = sharded(modality, method)
    refuse_together(spec, True)
    refuse_what_cannot_be(spec, "cpu")


@pytest.mark.parametrize(
    ("spec", "several", "message"),
    [
        (sharded(), False, "one process alone"),
        (sharded("llm", "qlora"), True, "qlora of llm models cannot"),
        (sharded("image", "lora"), True, "lora of image models cannot"),
        (sharded("multimodal", "full"), True, "full of multimodal models cannot"),
        (sharded("llm", "rlhf"), True, "rlhf cannot be trained by several"),
    ],
    ids=["one process", "4 bits", "pictures", "models that see", "reinforcement"],
)
def test_other_shapes_are_refused(spec: Spec, several: bool, message: str) -> None:
    with pytest.raises(TrainerError, match=message) as caught:
        refuse_together(spec, several)
    assert caught.value.code == "unsupportedShape"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"optimizer": "adafactor"}, "hyperparameters.optimizer"),
        ({"optimizer": "adamw-8bit"}, "hyperparameters.optimizer"),
        ({"precision": "fp16"}, "hyperparameters.precision"),
    ],
)
def test_settings_that_shards_do_not_have_are_refused(changes: dict[str, str], where: str) -> None:
    with pytest.raises(TrainerError) as caught:
        refuse_what_cannot_be(sharded(**changes), "cuda")
    assert caught.value.where == where


def test_adapters_are_whole_and_take_any_optimizer() -> None:
    refuse_what_cannot_be(sharded(method="lora", optimizer="adafactor"), "cuda")


def test_an_unknown_word_names_the_field() -> None:
    with pytest.raises(TrainerError) as caught:
        parse_spec({**EXAMPLE, "parallelism": "halved"})
    assert caught.value.where == "parallelism"
    assert parse_spec(EXAMPLE).parallelism == "replicated"
    allowed = SCHEMA["$defs"]["spec"]["properties"]["parallelism"]["enum"]
    assert allowed == ["replicated", "sharded", None]


def test_capabilities_tell_what_can_be_sharded() -> None:
    told = {
        (one["modality"], method)
        for one in capabilities()["executors"]
        if one.get("sharded")
        for method in one["methods"]
    }
    assert told == {(m, method) for m in ("llm", "code") for method in ("lora", "full", "dpo")}
