"""What GPUs compute in: half precision, which CPUs have too, only slower."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from kriptik_trainer.models.language import quantization, weights_type
from kriptik_trainer.spec import parse_spec
from support.cases import CASES
from support.inprocess import resume_of, run_attempt, weights_hash
from support.opened import opened
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


@pytest.mark.parametrize("name", ["LoRA, SDXL", "LoRA, Flux"])
def test_an_autoencoder_that_overflows_in_fp16_reads_pictures_in_32_bits(
    tmp_path: Path, name: str
) -> None:
    case = BY_NAME[name]
    family = opened(case, tmp_path, case.model(tmp_path)).family
    vae = family.pipeline.vae
    with torch.no_grad():
        vae.encoder.conv_in.weight.mul_(1e5)
    picture = Image.new("RGB", (32, 32), "white")
    told = family.row(picture, "a cup")
    vae.half()
    narrow = vae.encode(torch.ones(1, 3, 32, 32, dtype=torch.float16)).latent_dist.mean
    assert not torch.isfinite(narrow).all(), "it overflows"

    halved = family.row(picture, "a cup")

    assert vae.dtype is torch.float16
    torch.testing.assert_close(halved["mean"], told["mean"], rtol=0.02, atol=0.02)
