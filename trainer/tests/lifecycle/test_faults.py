"""Runs that cannot go on say why, with the exit code that goes with it."""

from __future__ import annotations

import fcntl
import json
import resource
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.store_file import FileStore
from support.process import TrainerProcess
from support.specs import changed, spec_json


def broken(name: str, spec: dict[str, Any], root: Path) -> dict[str, Any]:
    """A spec with one fault."""
    if name == "data":
        (root / "data.jsonl").write_text('{"question": "a?", "answer": ""}\n')
        return spec
    if name == "model":
        return changed(spec, model__source=(root / "nowhere").as_uri())
    if name == "resume":
        store = FileStore(root / "store")
        stored = store.save(
            "checkpoint", "step-00000002", 2, "a", lambda f: (f / "x").write_text("good") and None
        )
        (stored.path / "x").write_text("evil")
        resume = {"uri": stored.uri, "step": 2, "manifestSha256": stored.manifest_sha256}
        return changed(spec, resume=resume)
    return changed(spec, control__tokenFile=str(root / "no-token"))


@pytest.mark.parametrize(
    ("name", "code", "where"),
    [
        ("data", "emptyContent", "data.jsonl line 1, field answer"),
        ("model", "modelMissing", "nowhere"),
        ("resume", "checkpointBroken", "step-00000002"),
        ("token", "tokenUnreadable", "no-token"),
    ],
)
def test_input_errors_exit_20(tmp_path: Path, data: Path, name: str, code: str, where: str) -> None:
    spec = broken(name, spec_json(tmp_path, tmp_path, data), tmp_path)
    with TrainerProcess(tmp_path, spec) as trainer:
        exit_code = trainer.exit_code()

    error = trainer.result()["error"]
    assert (exit_code, trainer.result()["outcome"]) == (20, "failed")
    assert error["code"] == code
    assert where in error["where"]
    assert error["remedy"]


def test_a_second_trainer_is_refused(tmp_path: Path, data: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    with (store / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with TrainerProcess(tmp_path, spec_json(tmp_path, tmp_path, data)) as trainer:
            code = trainer.exit_code()

    assert code == 20
    assert trainer.result()["error"]["code"] == "storeBusy"


def small_files() -> None:
    """No file may grow beyond 20 kB: writes fail as they do on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_full_disk_keeps_the_last_verified_checkpoint(
    tmp_path: Path, tiny: Path, data: Path
) -> None:
    spec = changed(spec_json(tmp_path, tiny, data), hyperparameters__checkpointEverySteps=1)
    store = FileStore(tmp_path / "store")
    good = store.save(
        "checkpoint", "step-00000000", 0, "earlier", lambda f: (f / "x").write_text("good") and None
    )

    with TrainerProcess(tmp_path, spec, small_files) as trainer:
        code = trainer.exit_code()

    result = trainer.result()
    assert (code, result["outcome"], result["error"]["code"]) == (22, "failed", "diskFull")
    assert "resume" in result["error"]["remedy"]
    latest = store.latest().stored
    assert latest is not None
    assert latest.uri == good.uri
    assert [path.name for path in (tmp_path / "store" / "checkpoints").iterdir()] == [
        "step-00000000"
    ]


def test_a_loss_that_is_no_number_saves_nothing(tmp_path: Path, tiny: Path, data: Path) -> None:
    spec = changed(
        spec_json(tmp_path, tiny, data),
        method__name="full",
        outputs=["merged"],
        hyperparameters__learningRate="1",
        hyperparameters__warmupRatio="0",
        hyperparameters__maxSteps=300,
        hyperparameters__checkpointEverySteps=1,
        model__source=(tmp_path / "ruined").as_uri(),
    )
    ruin(tiny, tmp_path / "ruined")
    with TrainerProcess(tmp_path, spec) as trainer:
        code = trainer.exit_code()

    result = trainer.result()
    assert (code, result["error"]["code"]) == (20, "lossNotFinite")
    assert not (tmp_path / "store" / "checkpoints").exists()
    last = json.loads((tmp_path / "store" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["loss"] is None


def ruin(model: Path, folder: Path) -> None:
    """A copy of a model with a weight that is not a number."""
    import torch  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    network = AutoModelForCausalLM.from_pretrained(model)
    with torch.no_grad():
        network.lm_head.weight[0, 0] = float("nan")
    network.save_pretrained(folder)
    AutoTokenizer.from_pretrained(model).save_pretrained(folder)
