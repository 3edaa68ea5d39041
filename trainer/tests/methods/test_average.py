"""A moving average of the weights: resumed exactly, measured and exported in their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from kriptik_trainer.averages import AVERAGE_FILE, Average
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.loop import WEIGHTS_FILE
from kriptik_trainer.store import path_of
from support.inprocess import Attempt, resume_of, run_attempt, weights_hash
from support.pictures import PICTURES
from support.specs import changed, spec_json

PICTURE = next(case for case in PICTURES if case.name == "LoRA, SD 1.5")


def exported(attempt: Attempt) -> dict[str, str]:
    return weights_hash(attempt.status["artifacts"][0]["uri"])


def test_a_run_with_an_average_resumes_exactly_and_exports_it(tmp_path: Path) -> None:
    model = PICTURE.model(tmp_path)
    plain = changed(PICTURE.spec(tmp_path, model), outputs=["adapter"])
    plain["evaluation"] = {"share": "0.2", "maxRows": 3, "everySteps": 3, "samples": 0}
    spec = changed(plain, hyperparameters__emaDecay="0.9")
    without = run_attempt(changed(plain, store__uri=(tmp_path / "without").as_uri()))
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    stopped = run_attempt(spec, stop_after=4)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    final, expected = (a.status["lastCheckpoint"]["uri"] for a in (resumed, alone))
    assert weights_hash(final) == weights_hash(expected)
    assert set(weights_hash(final)) == {WEIGHTS_FILE, AVERAGE_FILE}
    assert exported(resumed) == exported(alone)
    assert exported(alone) != exported(without), "the average must be what is exported"
    # The average follows the weights and does not steer them.
    base = weights_hash(without.status["lastCheckpoint"]["uri"])
    assert weights_hash(final)[WEIGHTS_FILE] == base[WEIGHTS_FILE]
    assert [p["loss"] for p in resumed.points] == [p["loss"] for p in alone.points]
    assert alone.status["evaluation"] == resumed.status["evaluation"]
    measured = [one.status["evaluation"]["latest"] for one in (alone, without)]
    assert measured[0] != measured[1], "what is measured must be what is exported"

    held = load_file(path_of(final) / AVERAGE_FILE)
    written = load_file(next(path_of(resumed.status["artifacts"][0]["uri"]).glob("*.safetensors")))
    sums = sorted(float(t.abs().sum()) for n, t in held.items() if n.startswith("weights."))
    assert sums == sorted(float(t.abs().sum()) for t in written.values())

    late = run_attempt(
        changed(spec, attempt="kriptik-test-3", resume=resume_of(resumed), outputs=["adapter"])
    )
    assert exported(late) == exported(alone), "an export that was still due takes the average too"


def test_the_average_is_the_published_one() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.bfloat16))
    average = Average({"w": weight}, 0.999)
    expected = weight.detach().float()
    for step in range(1, 6):
        with torch.no_grad():
            weight.add_(0.5)
        average.step()
        decay = 0.0 if step == 1 else step / (9 + step)
        expected = decay * expected + (1 - decay) * weight.detach().float()

    with average.applied():
        torch.testing.assert_close(weight.detach(), expected.bfloat16())
    assert weight.tolist() == [3.5, 4.5], "afterwards the weights are back"


def test_a_method_without_an_average_refuses_it(tmp_path: Path, tiny: Path, data: Path) -> None:
    spec = changed(spec_json(tmp_path, tiny, data), hyperparameters__emaDecay="0.99")
    with pytest.raises(TrainerError) as caught:
        run_attempt(spec)
    assert (caught.value.code, caught.value.where) == (
        "unsupportedSetting",
        "hyperparameters.emaDecay",
    )
