"""Real processes that are killed between checkpoints: only the steps since the last one are lost, and the
weights are in the end those of a run that nobody killed. One method for each kind of loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.store_file import FileStore
from support.cases import CASES
from support.inprocess import run_attempt, weights_hash
from support.methods import Case
from support.process import TrainerProcess
from support.specs import changed

KILLED = {
    "llm: LoRA": "the trainer of transformers",
    "llm: KTO": "one of TRL that goes through pairs",
    "llm: RLHF: checkable answers, GRPO": "one of TRL that draws answers",
    "image: LoRA, SD 1.5": "our own",
}
CASES_KILLED = [case for case in CASES if f"{case.modality}: {case.name}" in KILLED]
EVERY = 3
"""Steps from checkpoint to checkpoint; a pass has another number of them."""


def endless(case: Case, root: Path) -> dict[str, Any]:
    """A run that is not over before it is killed."""
    return changed(
        {**case.spec(root, case.model(root)), "evaluation": None, "outputs": []},
        hyperparameters__maxSteps=100_000,
        hyperparameters__checkpointEverySteps=EVERY,
        hyperparameters__batchSize=2,
    )


def test_every_kind_of_loop_is_killed() -> None:
    assert len(CASES_KILLED) == len(KILLED)


@pytest.mark.parametrize("case", CASES_KILLED, ids=lambda c: KILLED[f"{c.modality}: {c.name}"])
def test_a_kill_loses_only_the_steps_since_the_last_checkpoint(case: Case, tmp_path: Path) -> None:
    spec = endless(case, tmp_path)
    with TrainerProcess(tmp_path, spec) as trainer:
        trainer.step(2 * EVERY + 1)
        trainer.process.kill()
        trainer.process.wait()
    latest = FileStore(trainer.store).latest().stored
    assert latest is not None
    assert latest.step % EVERY == 0
    assert latest.step >= 2 * EVERY
    points = [
        json.loads(line)["n"]
        for line in (trainer.store / "metrics.jsonl").read_text().splitlines()
        if line.endswith("}")
    ]
    assert points == sorted(set(points))

    until = latest.step + EVERY + 1
    resume = {
        "uri": latest.uri,
        "step": latest.step,
        "manifestSha256": latest.manifest_sha256,
    }
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume), until)
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()), until)
    mine, other = (a.status["lastCheckpoint"] for a in (resumed, alone))
    assert mine["step"] == other["step"] == until
    assert weights_hash(mine["uri"]) == weights_hash(other["uri"])
    assert not list(trainer.store.glob("*/.*.tmp"))
