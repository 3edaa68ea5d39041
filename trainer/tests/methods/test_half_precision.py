"""What GPUs compute in: half precision, which CPUs have too, only slower."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kriptik_trainer.models.language import quantization, weights_type
from kriptik_trainer.spec import parse_spec
from support.cases import CASES
from support.inprocess import resume_of, run_attempt, weights_hash
from support.specs import changed

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    ("name", "stop_after"),
    [("RLHF: reward model, RLOO", 4), ("LoRA, SD 1.5", 2), ("DreamBooth, SDXL", 2)],
    ids=["a reward model that is taken up", "a UNet", "pictures of a class"],
)
def test_it_is_measured_trained_and_resumed_exactly(
    tmp_path: Path, name: str, stop_after: int
) -> None:
    case = BY_NAME[name]
    spec = case.spec(tmp_path, case.model(tmp_path))
    steps = {"maxSteps": stop_after + 2, "precision": "bf16"}
    spec["hyperparameters"].update(steps)
    spec["method"].setdefault("options", {})["rewardSteps"] = 3
    spec["evaluation"]["everySteps"] = stop_after + 1
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    stopped = run_attempt(spec, stop_after=stop_after)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    ends = [attempt.status["lastCheckpoint"]["uri"] for attempt in (alone, resumed)]
    assert weights_hash(ends[0]) == weights_hash(ends[1])
    assert alone.status["warnings"] == resumed.status["warnings"]
    assert resumed.status["evaluation"]["latest"] == alone.status["evaluation"]["latest"]


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
@pytest.mark.parametrize(
    ("precision", "half"),
    [("bf16", torch.bfloat16), ("fp16", torch.float16), ("fp32", torch.float32)],
)
def test_a_frozen_base_is_held_in_what_the_device_computes_in(
    tmp_path: Path, method: str, precision: str, half: torch.dtype
) -> None:
    case = BY_NAME["LoRA"]
    given = case.spec(tmp_path, tmp_path)
    given["method"]["name"], given["outputs"] = method, ["merged"]
    given["hyperparameters"]["precision"] = precision
    spec = parse_spec(given)

    assert weights_type(spec) is (torch.float32 if method == "full" else half)
    assert quantization(spec).bnb_4bit_compute_dtype is half
