"""Settings that save memory do so for pictures and clips as well, or are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from kriptik_trainer.loop import WEIGHTS_FILE
from kriptik_trainer.store import path_of
from support.cases import CASES
from support.inprocess import Attempt, resume_of, run_attempt, weights_hash
from support.opened import opened
from support.specs import changed

BY_NAME = {case.name: case for case in CASES}
EVERY_NETWORK = ("LoRA, SD 1.5", "LoRA, Flux", "LoRA, Wan 2.1", "textual inversion, SD 1.5")


def backward(executor: Any) -> tuple[float, dict[str, torch.Tensor], int]:
    """(loss, gradients, tensors kept for the backward pass)."""
    kept = 0

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel()
        return tensor

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = executor.loss([0])
    loss.backward()
    found = {n: p.grad.clone() for n, p in executor.trainable().items() if p.grad is not None}
    return float(loss), found, kept


@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_checkpoints_of_activations_save_memory_and_change_nothing(
    tmp_path: Path, name: str
) -> None:
    case = BY_NAME[name]
    model = case.model(tmp_path)
    plain, saving = (tmp_path / "plain", tmp_path / "saving")
    plain.mkdir()
    saving.mkdir()
    loss, gradients, kept = backward(opened(case, plain, model))
    other = backward(opened(case, saving, model, gradientCheckpointing=True))

    assert other[0] == pytest.approx(loss, rel=1e-5)
    assert gradients
    assert set(other[1]) == set(gradients)
    for key, gradient in gradients.items():
        torch.testing.assert_close(other[1][key], gradient, rtol=1e-3, atol=1e-6)
    assert other[2] < kept, "less has to be kept for the backward pass"


def weights(attempt: Attempt) -> dict[str, torch.Tensor]:
    return load_file(path_of(attempt.status["lastCheckpoint"]["uri"]) / WEIGHTS_FILE)


@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        (
            "full, SD 1.5",
            {"precision": "bf16", "weightPrecision": "bf16", "optimizer": "adamw-8bit"},
        ),
        ("LoRA, Flux", {"precision": "bf16", "optimizer": "adafactor"}),
    ],
    ids=["no copy of the weights", "adapters on a base in 16 bits"],
)
def test_it_trains_and_resumes_exactly(tmp_path: Path, name: str, hyper: dict[str, Any]) -> None:
    case = BY_NAME[name]
    spec = changed(case.spec(tmp_path, case.model(tmp_path)), evaluation=None)
    spec["hyperparameters"].update(hyper, maxSteps=4, gradientCheckpointing=True)
    spec["outputs"] = [case.outputs[-1]]
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    stopped = run_attempt(spec, stop_after=2)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    ends = [attempt.status["lastCheckpoint"]["uri"] for attempt in (alone, resumed)]
    assert weights_hash(ends[0]) == weights_hash(ends[1])
    expected = torch.bfloat16 if hyper.get("weightPrecision") == "bf16" else torch.float32
    assert {tensor.dtype for tensor in weights(alone).values()} == {expected}
    assert any((weights(stopped)[n] != t).any() for n, t in weights(alone).items())


@pytest.mark.parametrize(
    "name", ["LoRA, SD 1.5", "textual inversion, SDXL", "full, ACE-Step 1.5", "full, MusicGen"]
)
def test_the_base_is_measured_in_the_precision_of_the_plan(tmp_path: Path, name: str) -> None:
    """Before the first step no loop has wrapped the network yet, and rows are not in half precision."""
    case = BY_NAME[name]
    model = case.model(tmp_path)
    roots = [tmp_path / name for name in ("half", "whole")]
    for root in roots:
        root.mkdir()
    executor = opened(case, roots[0], model, precision="bf16")
    figure = executor.watched[0]
    found = executor.evaluate()[figure]
    whole = opened(case, roots[1], model).evaluate()[figure]
    samples = tmp_path / "samples"
    samples.mkdir()
    executor.sample(samples, 1)

    assert found == pytest.approx(whole, rel=0.05)
    assert list(samples.glob("sample-0.*"))
