"""Two processes that hold half of a model each train the same as two that hold all of it, and resume exactly.

The cases share two processes, for importing the libraries takes longer than training does.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from kriptik_trainer.store import path_of
from support.inprocess import run_attempt
from support.language import reload_language
from support.shards import KILLED_AFTER, PORTS
from support.team import run_pair

NAMES = ("full", "LoRA", "DPO")
Proofs = dict[str, dict[str, Any]]
CLOSE = 1e-4
"""Sums over processes come in another order: weights may differ by so much after six steps of 0.01."""


def told(proofs: tuple[Proofs, Proofs], name: str) -> dict[str, Any]:
    """What the first process has found of a case, once neither tells of an error."""
    for found in proofs:
        assert "error" not in found[name], found[name]["error"]
    return proofs[0][name]


def weights_of(uri: str) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint or artifact."""
    found: dict[str, torch.Tensor] = {}
    for path in path_of(uri).glob("*.safetensors"):
        found |= load_file(path)
    return found


def state_of(uri: str) -> list[torch.Tensor]:
    """The tensors of the optimizer's state in a checkpoint, in order."""
    saved = torch.load(path_of(uri) / "optimizer.pt", weights_only=True)
    return [tensor for one in saved["state"].values() for tensor in one.values()]


def steps_of(store: Path) -> list[dict[str, Any]]:
    """The points of a run."""
    return [json.loads(line) for line in (store / "metrics.jsonl").read_text().splitlines()]


def points(store: Path) -> list[dict[str, float]]:
    """Losses and norms of gradients of each step, and the figures of each look, in order."""
    return [
        point.get("evaluation") or {name: point[name] for name in ("loss", "gradNorm")}
        for point in steps_of(store)
    ]


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Proofs, Proofs]:
    """What both processes have found, by the names of the cases."""
    out = tmp_path_factory.mktemp("sharded")
    run_pair("support.shards:main", out, NAMES, PORTS)
    first, second = (json.loads((out / f"{rank}.json").read_text()) for rank in (0, 1))
    return first, second


@pytest.mark.parametrize("name", NAMES)
def test_shards_train_what_replicas_train(proofs: tuple[Proofs, Proofs], name: str) -> None:
    proof = told(proofs, name)
    replicated, sharded = weights_of(proof["replicated"]), weights_of(proof["sharded"])

    assert set(replicated) == set(sharded), "a checkpoint of shards has the weights of any other"
    for key, value in replicated.items():
        torch.testing.assert_close(sharded[key], value, rtol=0, atol=CLOSE, msg=key)
    for one_state, other_state in zip(
        state_of(proof["replicated"]), state_of(proof["sharded"]), strict=True
    ):
        torch.testing.assert_close(other_state, one_state, rtol=CLOSE, atol=CLOSE)
    root = Path(proof["root"])
    for one, other in zip(points(root / "replicated"), points(root / "sharded"), strict=True):
        # The first look is before any step: it is taken by all processes, and frees what it gathered.
        assert one == pytest.approx(other, rel=CLOSE)
    clipped = [point["gradNorm"] > 1 for point in points(root / "sharded") if "gradNorm" in point]
    assert all(clipped) == (name == "full"), "the gradients of a full fine-tune are clipped"


@pytest.mark.parametrize("name", NAMES)
def test_each_process_holds_its_share_only(proofs: tuple[Proofs, Proofs], name: str) -> None:
    told(proofs, name)
    for found in proofs:
        seen = found[name]["seen"]
        assert 0.4 < seen["parameters"] / seen["ofParameters"] < 0.6
        if name == "full":
            assert 0.4 < seen["state"] / seen["ofState"] < 0.6
    held = [found[name]["seen"]["parameters"] for found in proofs]
    assert sum(held) >= proofs[0][name]["seen"]["ofParameters"], "together they hold all of it"


def test_killed_and_resumed_equals_undisturbed(proofs: tuple[Proofs, Proofs]) -> None:
    proof = told(proofs, "full")
    assert proof["newest"] == KILLED_AFTER - 1, "the last checkpoint before the kill is whole"
    assert (Path(proof["root"]) / "fallen").read_text() == str(-signal.SIGKILL)
    assert proof["risen"] == proof["undisturbed"]


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_equals_undisturbed(proofs: tuple[Proofs, Proofs], name: str) -> None:
    proof = told(proofs, name)
    assert proof["stopped"] == 4
    assert proof["resumed"] == proof["undisturbed"]
    assert proof["halfway"] != proof["undisturbed"], "the steps after the stop moved weights"


@pytest.mark.parametrize("name", NAMES)
def test_exports_reload_in_the_plain_library(proofs: tuple[Proofs, Proofs], name: str) -> None:
    root = Path(told(proofs, name)["root"])
    for output in ("merged",) if name == "full" else ("adapter", "merged"):
        folder = root / "sharded" / "artifacts" / output
        reload_language(root / "model", folder)
        expected = weights_of((root / "replicated" / "artifacts" / output).as_uri())
        for key, value in weights_of(folder.as_uri()).items():
            torch.testing.assert_close(value, expected[key], rtol=0, atol=CLOSE, msg=key)


def test_one_process_that_holds_the_whole_goes_on_from_shards(
    proofs: tuple[Proofs, Proofs],
) -> None:
    root = Path(told(proofs, "full")["root"])
    spec = json.loads((root / "spec.json").read_text())
    resume = json.loads((root / "resume.json").read_text())
    # Twice the accumulation: an update sees as many rows as that of two processes.
    spec["hyperparameters"]["gradientAccumulation"] *= 2
    spec["store"]["uri"] = (root / "store").as_uri()
    ended = run_attempt({**spec, "attempt": "kriptik-test-3", "resume": resume})

    assert ended.status["step"] == 6
    assert any("parallelism differs" in text for text in ended.status["warnings"])
    (undisturbed,) = [
        p["loss"] for p in steps_of(root / "sharded") if p["step"] == 5 and "loss" in p
    ]
    *_, mine = [p["loss"] for p in ended.points if p["step"] == 5 and "loss" in p]
    assert mine == pytest.approx(undisturbed, rel=CLOSE)
