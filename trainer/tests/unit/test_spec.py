"""Faults of a spec are told with the field's path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import load_spec, parse_spec
from support.schema import PROTOCOL
from support.specs import changed

GOOD: dict[str, Any] = json.loads((PROTOCOL / "examples" / "spec.json").read_text())

CASES = [
    ("protocol", 2, "protocol", "unsupportedProtocol"),
    ("attempt", "../x", "attempt", "invalidSpec"),
    ("model", None, "model", "invalidSpec"),
    ("model__source", "s3://x", "model.source", "invalidSpec"),
    ("method__name", "prayer", "method.name", "invalidSpec"),
    ("method__lora__r", 0, "method.lora.r", "invalidSpec"),
    ("method__lora__targets", [1], "method.lora.targets[0]", "invalidSpec"),
    ("data", [], "data", "invalidSpec"),
    ("data", [{"uri": "file:///x", "format": "xml"}], "data[0].format", "invalidSpec"),
    (
        "data",
        [{"uri": "file:///x", "format": "csv", "sha256": "x"}],
        "data[0].sha256",
        "invalidSpec",
    ),
    ("hyperparameters__learningRate", "fast", "hyperparameters.learningRate", "invalidSpec"),
    ("hyperparameters__learningRate", "-1", "hyperparameters.learningRate", "invalidSpec"),
    ("hyperparameters__learningRate", "NaN", "hyperparameters.learningRate", "invalidSpec"),
    ("hyperparameters__batchSize", True, "hyperparameters.batchSize", "invalidSpec"),
    ("hyperparameters__maxSteps", 0, "hyperparameters.maxSteps", "invalidSpec"),
    ("hyperparameters__scheduler", "magic", "hyperparameters.scheduler", "invalidSpec"),
    ("outputs", ["gguf"], "outputs[0]", "invalidSpec"),
    ("deadline", "tomorrow", "deadline", "invalidSpec"),
    ("control__port", 70_000, "control.port", "invalidSpec"),
    ("resume__step", "40", "resume.step", "invalidSpec"),
]


@pytest.mark.parametrize(("path", "value", "where", "code"), CASES)
def test_a_fault_names_its_field(path: str, value: object, where: str, code: str) -> None:
    with pytest.raises(TrainerError) as caught:
        parse_spec(changed(GOOD, **{path: value}))
    assert (caught.value.code, caught.value.where) == (code, where)
    assert caught.value.remedy


def test_an_adapter_of_a_full_fine_tune_is_refused() -> None:
    with pytest.raises(TrainerError) as caught:
        parse_spec(changed(GOOD, method__name="full"))
    assert caught.value.where == "outputs"


def test_what_may_be_left_out_has_defaults() -> None:
    spec = parse_spec({k: v for k, v in GOOD.items() if k not in ("hyperparameters", "card")})
    assert spec.hyperparameters.scheduler == "cosine"
    assert spec.card.goal is None
    assert parse_spec(changed(GOOD, model__revision="")).model.revision is None


def test_a_spec_that_is_not_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{\n"a": }')
    with pytest.raises(TrainerError) as caught:
        load_spec(path)
    assert caught.value.where == f"{path} line 2 column 6"
