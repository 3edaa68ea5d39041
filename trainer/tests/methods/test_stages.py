"""A run of several stages: each learns from what the one before has made; a stop in any changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.manifest import verify
from kriptik_trainer.store import path_of
from kriptik_trainer.store_file import FileStore
from support.inprocess import Attempt, resume_of, run_attempt, weights_hash
from support.methods import preference_data
from support.process import TrainerProcess
from support.rows import write_data
from support.schema import check
from support.slowly import Slowly
from support.specs import changed, spec_json

LORA = {"r": 4, "alpha": 8, "dropout": 0.1, "targets": ["all-linear"]}


def staged(root: Path, tiny: Path) -> dict[str, Any]:
    """Five steps of answers, four of preferences on what they have made, and a look at the result."""
    root.mkdir(parents=True, exist_ok=True)
    rows = write_data(root / "data.jsonl", 14)
    spec = spec_json(root, tiny, rows)
    steps = {**spec["hyperparameters"], "learningRate": "0.01"}
    pairs = {**spec["data"][0], "uri": preference_data(root).as_uri()}
    supervised = {
        "name": "supervised",
        "startsFrom": "base",
        "method": {"name": "lora", "lora": LORA},
        "data": spec["data"],
        "hyperparameters": {**steps, "maxSteps": 5},
    }
    preference = {
        "name": "preference",
        "startsFrom": "supervised",
        "method": {"name": "dpo", "lora": LORA},
        "data": [pairs],
        "hyperparameters": {**steps, "maxSteps": 4},
    }
    look = {"name": "evaluation", "startsFrom": "preference", "data": spec["data"]}
    return {
        **spec,
        "hyperparameters": {**steps, "maxSteps": 5},
        "stages": [supervised, preference, look],
        "evaluation": {"share": "0.2", "maxRows": 3, "everySteps": 3, "samples": 0},
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Attempt:
    """A run that nothing happens to."""
    return run_attempt(staged(tmp_path_factory.mktemp("stages"), tiny))


def ends_like(mine: Attempt, other: Attempt) -> None:
    """The same weights in the last checkpoint and all outputs, the same figures on the way."""
    assert mine.ended_early is None
    last, expected = (one.status["lastCheckpoint"] for one in (mine, other))
    assert last["step"] == expected["step"] == 9
    assert weights_hash(last["uri"]) == weights_hash(expected["uri"])
    for one, two in zip(mine.status["artifacts"], other.status["artifacts"], strict=True):
        assert weights_hash(one["uri"]) == weights_hash(two["uri"])
    losses = [[p["loss"] for p in a.points if p["loss"] is not None] for a in (mine, other)]
    assert losses[0] == losses[1]
    figures = [[one["evaluation"] for one in a.status["stages"]] for a in (mine, other)]
    assert figures[0] == figures[1]


def test_each_stage_begins_with_what_the_one_before_has_made(alone: Attempt, tiny: Path) -> None:
    status = alone.status
    check("status", status)
    check("metrics", {"next": 0, "points": alone.points})
    assert (status["step"], status["totalSteps"]) == (9, 9)
    assert status["stage"] == {
        "name": "preference",
        "index": 1,
        "count": 3,
        "firstStep": 5,
        "lastStep": 9,
    }
    assert [(one["name"], one["lastStep"]) for one in status["stages"]] == [
        ("supervised", 5),
        ("preference", 9),
        ("evaluation", 9),
    ]
    assert [p["step"] for p in alone.points if p["loss"] is not None] == list(range(1, 10))
    assert {p["stage"] for p in alone.points} == {"supervised", "preference", "evaluation"}
    assert status["lastCheckpoint"]["stage"] == "preference"

    learned, preferred, looked = (one["evaluation"] for one in status["stages"])
    assert learned["latest"]["perplexity"] < learned["base"]["perplexity"]
    assert preferred["latest"]["preferenceMargin"] > preferred["base"]["preferenceMargin"]
    assert looked["metric"] == "perplexity"
    assert looked["base"] != looked["latest"]

    tokens = torch.tensor([[5, 6, 7, 8]])
    result = {a["name"]: path_of(a["uri"]) for a in status["artifacts"]}
    handed_on = path_of(status["stages"][0]["result"]["uri"])
    with torch.no_grad():
        said = [
            AutoModelForCausalLM.from_pretrained(folder)(tokens).logits
            for folder in (tiny, handed_on, result["merged"])
        ]
    assert not torch.allclose(said[0], said[1], atol=1e-3)
    assert not torch.allclose(said[1], said[2], atol=1e-3)
    adapter = json.loads((result["adapter"] / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == status["stages"][0]["result"]["uri"]


@pytest.mark.parametrize(
    ("step", "stage"),
    [(2, "supervised"), (5, "supervised"), (7, "preference"), (9, "preference")],
    ids=["in the first", "at the end of the first", "in the second", "at the end of the last"],
)
def test_a_stop_in_any_stage_changes_nothing(
    tmp_path: Path, tiny: Path, alone: Attempt, step: int, stage: str
) -> None:
    spec = staged(tmp_path, tiny)
    stopped = run_attempt(spec, stop_after=step)
    checkpoint = stopped.status["lastCheckpoint"]
    assert (checkpoint["step"], checkpoint["stage"]) == (step, stage)
    assert stopped.ended_early == (None if step == 9 else "stopped")
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    ends_like(resumed, alone)
    assert resumed.status["warnings"] == alone.status["warnings"]


def test_the_best_of_each_stage_and_what_was_resumed_from_stay(tmp_path: Path, tiny: Path) -> None:
    spec = changed(staged(tmp_path, tiny), store__keepLast=1, evaluation__everySteps=1)
    for stage in spec["stages"][:2]:
        stage["hyperparameters"]["checkpointEverySteps"] = 1
    stopped = run_attempt(spec, stop_after=2)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    best = {}
    for stage, figure, sign in (
        ("supervised", "perplexity", -1),
        ("preference", "preferenceMargin", 1),
    ):
        # What is measured at the end of a stage comes after its last checkpoint, at its start before.
        looks = [
            (sign * point["evaluation"][figure], point["step"])
            for point in resumed.points
            if point["stage"] == stage and "evaluation" in point and point["step"] not in (0, 5, 9)
        ]
        best[stage] = max(looks)[1]
    kept = {step for step, _ in FileStore(tmp_path / "store").steps()}
    assert kept >= {9, 2, *best.values()}
    assert len(kept) < 9, "what is neither is removed"
    told = verify(tmp_path / "store" / "checkpoints" / f"step-{best['preference']:08d}").evaluation
    assert told is not None
    assert (told["metric"], told["stage"]) == ("preferenceMargin", "preference")


def test_a_kill_between_stages_loses_nothing(tmp_path: Path, tiny: Path, alone: Attempt) -> None:
    spec = staged(tmp_path, tiny)
    with TrainerProcess(tmp_path, spec, Slowly(5, 5.0)) as trainer:
        # The first checkpoint at all is that of the end of the first stage.
        made = tmp_path / "store" / "checkpoints" / "step-00000005"
        trainer.until("end of the first stage", lambda: made.exists() or None)
        trainer.process.kill()
        trainer.process.wait()
    latest = FileStore(trainer.store).latest().stored
    assert latest is not None
    named = {"uri": latest.uri, "step": latest.step, "manifestSha256": latest.manifest_sha256}
    assert latest.step == 5

    ends_like(run_attempt(changed(spec, attempt="kriptik-test-2", resume=named)), alone)


def test_a_result_that_was_changed_is_not_built_on(tmp_path: Path, tiny: Path) -> None:
    spec = staged(tmp_path, tiny)
    stopped = run_attempt(spec, stop_after=7)
    result = path_of(stopped.status["stages"][0]["result"]["uri"])
    (result / "config.json").write_text("{}")
    with pytest.raises(TrainerError) as caught:
        run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))
    assert caught.value.code == "checkpointBroken"


def test_bad_rows_of_a_later_stage_are_told_before_the_first_step(
    tmp_path: Path, tiny: Path
) -> None:
    spec = staged(tmp_path, tiny)
    path_of(spec["stages"][1]["data"][0]["uri"]).write_text('{"prompt": "p"}\n')
    with pytest.raises(TrainerError, match="missing"):
        run_attempt(spec)
    assert not (tmp_path / "store" / "checkpoints").exists()
