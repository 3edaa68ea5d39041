"""Each optimizer and each way to hold weights trains, resumes exactly, or is refused by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.optimizers import make_optimizer, refuse_what_cannot_be
from kriptik_trainer.spec import parse_spec
from support.inprocess import resume_of, run_attempt, weights_hash
from support.specs import changed, spec_json


def full(root: Path, tiny: Path, data: Path, **hyper: Any) -> dict[str, Any]:
    spec = changed(spec_json(root, tiny, data), method={"name": "full"}, outputs=["merged"])
    return {**spec, "hyperparameters": {**spec["hyperparameters"], **hyper}}


@pytest.mark.parametrize(
    "hyper",
    [
        {"optimizer": "adamw-8bit"},
        {"optimizer": "adafactor"},
        {"precision": "bf16", "weightPrecision": "bf16", "optimizer": "adamw-8bit"},
    ],
    ids=["eight bits", "adafactor", "no copy of the weights"],
)
def test_it_trains_and_resumes_exactly(
    tmp_path: Path, tiny: Path, data: Path, hyper: dict[str, Any]
) -> None:
    spec = full(tmp_path, tiny, data, **hyper)
    plain = run_attempt(changed(full(tmp_path, tiny, data), store__uri=(tmp_path / "p").as_uri()))
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    stopped = run_attempt(spec, stop_after=4)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    ends = [a.status["lastCheckpoint"]["uri"] for a in (plain, alone, resumed)]
    usual, whole, halved = map(weights_hash, ends)
    assert whole == halved
    assert whole != usual, "the plan's optimizer must be the one that trains"


def test_our_own_loop_has_the_same_optimizers() -> None:
    given = parse_spec(
        {**spec_json(Path("/x"), Path("/m"), Path("/d")), "hyperparameters": {}}
    ).hyperparameters
    weights = [torch.nn.Parameter(torch.zeros(2))]
    for name, kind in (("adamw", "AdamW"), ("adafactor", "Adafactor"), ("adamw-8bit", "AdamW8bit")):
        made = make_optimizer(weights, given.__class__(**{**vars(given), "optimizer": name}))
        assert type(made).__name__ == kind
        assert made.param_groups[0]["lr"] == given.learning_rate


REFUSED = [
    ("full", "cuda", {"offloadOptimizer": True}, "unsupportedSetting", "offloadOptimizer"),
    ("lora", "cuda", {"precision": "bf16", "weightPrecision": "bf16"}, "unsupportedSetting", "32"),
    ("full", "cuda", {"weightPrecision": "bf16"}, "unsupportedSetting", "fp32"),
    ("full", "cpu", {"precision": "fp16"}, "unsupportedPrecision", "CPU"),
]


@pytest.mark.parametrize(("method", "device", "hyper", "code", "says"), REFUSED)
def test_what_would_not_be_applied_is_refused(
    tmp_path: Path, method: str, device: str, hyper: dict[str, Any], code: str, says: str
) -> None:
    spec = changed(full(tmp_path, tmp_path, tmp_path, **hyper), method__name=method)
    with pytest.raises(TrainerError) as caught:
        refuse_what_cannot_be(parse_spec(spec), device)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_the_machines_memory_is_where_the_state_lies_on_a_cpu(tmp_path: Path) -> None:
    refuse_what_cannot_be(
        parse_spec(full(tmp_path, tmp_path, tmp_path, offloadOptimizer=True)), "cpu"
    )


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    spec = parse_spec(full(tmp_path, tmp_path, tmp_path, optimizer="adamw-8bit"))
    with pytest.raises(TrainerError, match="bitsandbytes") as caught:
        refuse_what_cannot_be(spec, "cpu")
    assert caught.value.code == "notInstalled"
