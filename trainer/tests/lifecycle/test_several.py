"""Two processes that train one run: they stop together, resume exactly, and never wait for the dead."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.store_file import FileStore
from support.inprocess import weights_hash
from support.process import ask
from support.rows import write_data
from support.slowly import Slowly
from support.specs import changed, spec_json
from support.team import Team

STEPS = 60


def spec_of(root: Path, tiny: Path, **changes: Any) -> dict[str, Any]:
    """A run of sixty steps over forty rows, with dropout, in the middle of passes when it is stopped."""
    data = root.parent / "data.jsonl"
    if not data.exists():
        write_data(data, 40)
    return changed(
        spec_json(root, tiny, data),
        hyperparameters__maxSteps=STEPS,
        hyperparameters__epochs=1000,
        outputs=["adapter"],
        **changes,
    )


def resume_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: checkpoint[name] for name in ("uri", "step", "manifestSha256")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> dict[str, str]:
    """The weights at the end of a run that nothing happens to."""
    root = tmp_path_factory.mktemp("several") / "alone"
    with Team(root, spec_of(root, tiny)) as team:
        assert team.exit_codes() == [0, 0], team.text()
    assert team.said(0)["outcome"] == team.said(1)["outcome"] == "succeeded"
    assert team.said(1)["rank"] == 1
    return weights_hash(team.result()["checkpoint"]["uri"])


def finish(root: Path, spec: dict[str, Any], checkpoint: dict[str, Any]) -> dict[str, str]:
    """Goes on from a checkpoint to the end, and the weights there."""
    again = changed(spec, attempt="kriptik-test-2", resume=resume_of(checkpoint))
    with Team(root, again) as team:
        assert team.exit_codes() == [0, 0], team.text()
    assert team.result()["step"] == STEPS
    return weights_hash(team.result()["checkpoint"]["uri"])


def test_frozen_and_resumed_equals_undisturbed(
    tmp_path: Path, tiny: Path, undisturbed: dict[str, str]
) -> None:
    spec = spec_of(tmp_path / "run", tiny)
    with Team(tmp_path / "run", spec, prepare=Slowly(7, 0.5)) as team:
        status = team.step(7)
        ask(team.port(), "POST", "/v1/checkpoint", {"id": "freeze", "stop": True, "reason": "test"})
        codes = team.exit_codes()
    stopped = team.result()

    assert codes == [11, 11], team.text()
    assert status["world"] == {"size": 2, "nodes": 2}
    assert 7 <= stopped["step"] < STEPS
    assert stopped["checkpoint"]["step"] == stopped["step"]
    assert [team.said(node)["step"] for node in (0, 1)] == [stopped["step"]] * 2
    assert finish(tmp_path / "run", spec, stopped["checkpoint"]) == undisturbed


@pytest.mark.parametrize("victim", [0, 1], ids=["the first", "the second"])
def test_a_killed_process_takes_the_other_with_it_and_nothing_is_lost(
    tmp_path: Path, tiny: Path, undisturbed: dict[str, str], victim: int
) -> None:
    spec = spec_of(tmp_path / "run", tiny, hyperparameters__checkpointEverySteps=5)
    with Team(tmp_path / "run", spec, prepare=Slowly(12, 0.5)) as team:
        team.step(12)
        began = time.monotonic()
        team.nodes[victim].kill()
        codes = team.exit_codes()
        seconds = time.monotonic() - began

    assert codes[victim] == -signal.SIGKILL
    assert codes[1 - victim] == 31, team.text()
    assert team.said(1 - victim)["error"]["code"] == "peerLost"
    assert seconds < 30
    latest = FileStore(team.store).latest().stored
    assert latest is not None
    named = {"uri": latest.uri, "step": latest.step, "manifestSha256": latest.manifest_sha256}
    assert finish(tmp_path / "run", spec, named) == undisturbed


def test_the_deadline_stops_all_at_the_same_step(tmp_path: Path, tiny: Path) -> None:
    spec = spec_of(tmp_path / "run", tiny, hyperparameters__gradientAccumulation=1)
    with Team(tmp_path / "run", changed(spec, hyperparameters__maxSteps=100_000)) as team:
        team.step(3)
        answer = ask(team.port(), "PUT", "/v1/deadline", {"seconds": 8})
        codes = team.exit_codes()

    result = team.result()
    assert codes == [10, 10], team.text()
    assert result["checkpoint"]["reason"] == "deadline"
    assert result["finishedAt"] <= answer.body["deadline"]
    assert team.said(1)["step"] == result["step"]


def test_sigterm_to_any_process_freezes_all(tmp_path: Path, tiny: Path) -> None:
    spec = changed(spec_of(tmp_path / "run", tiny), hyperparameters__maxSteps=100_000)
    with Team(tmp_path / "run", spec) as team:
        team.step(2)
        team.nodes[1].send_signal(signal.SIGTERM)
        codes = team.exit_codes()

    assert codes == [10, 10], team.text()
    assert team.result()["checkpoint"]["reason"] == "signal"


def test_what_fails_in_one_is_told_by_the_first(tmp_path: Path, tiny: Path) -> None:
    spec = spec_of(tmp_path / "run", tiny)
    other = changed(spec, hyperparameters__precision="fp16")
    with Team(tmp_path / "run", spec, others=other) as team:
        codes = team.exit_codes()

    error = team.result()["error"]
    assert codes == [20, 20], team.text()
    assert error["code"] == "unsupportedPrecision"
    assert error["message"].startswith("process 1: ")


def test_processes_of_one_node_are_started_by_the_first_command(
    tmp_path: Path, tiny: Path, undisturbed: dict[str, str]
) -> None:
    spec = spec_of(tmp_path / "run", tiny)
    with Team(tmp_path / "run", spec, nodes=1, processes=2) as team:
        codes = team.exit_codes()

    assert codes == [0], team.text()
    assert weights_hash(team.result()["checkpoint"]["uri"]) == undisturbed
