"""Real processes that are stopped in each way there is."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.manifest import verify
from kriptik_trainer.store import path_of
from support.process import TrainerProcess, ask
from support.specs import changed, spec_json

ENDLESS = 100_000


@pytest.fixture
def endless(tmp_path: Path, tiny: Path, data: Path) -> dict[str, Any]:
    """A run that is not over before the test is, and saves nothing unasked."""
    return changed(
        spec_json(tmp_path, tiny, data),
        hyperparameters__maxSteps=ENDLESS,
        hyperparameters__epochs=1000,
        hyperparameters__checkpointEverySteps=ENDLESS,
    )


def test_stop_over_http_with_a_checkpoint(tmp_path: Path, endless: dict[str, Any]) -> None:
    with TrainerProcess(tmp_path, endless, fresh=True) as trainer:
        trainer.step(3)
        port = trainer.port()
        first = ask(port, "POST", "/v1/checkpoint", {"id": "one", "stop": False, "reason": "test"})
        assert first.status == 202
        done = trainer.until(
            "checkpoint",
            lambda: (
                answer.body
                if (answer := ask(port, "GET", "/v1/checkpoint/one")).body["state"] == "done"
                else None
            ),
        )
        verify(path_of(done["checkpoint"]["uri"]), done["checkpoint"]["manifestSha256"])
        later = trainer.step(done["checkpoint"]["step"] + 2)
        assert later["phase"] in ("training", "checkpointing"), "stop: false goes on"
        assert ask(port, "POST", "/v1/stop", {"id": "two", "checkpoint": True}).status == 202
        code = trainer.exit_code()

    result = trainer.result()
    assert (code, result["outcome"], result["error"]) == (11, "stopped", None)
    checkpoint = result["checkpoint"]
    assert checkpoint["reason"] == "requested"
    assert checkpoint["step"] == result["step"] > done["checkpoint"]["step"]
    verify(path_of(checkpoint["uri"]), checkpoint["manifestSha256"])


def test_stop_at_once_saves_nothing(tmp_path: Path, endless: dict[str, Any]) -> None:
    with TrainerProcess(tmp_path, endless) as trainer:
        # Already while the libraries load.
        answer = ask(trainer.port(), "POST", "/v1/stop", {"id": "now", "checkpoint": False})
        code = trainer.exit_code()

    assert answer.status == 202
    assert (code, trainer.result()["outcome"]) == (11, "stopped")
    assert trainer.result()["checkpoint"] is None
    assert not (trainer.store / "checkpoints").exists()


def test_sigterm_freezes(tmp_path: Path, endless: dict[str, Any]) -> None:
    with TrainerProcess(tmp_path, endless) as trainer:
        trainer.step(2)
        trainer.process.send_signal(signal.SIGTERM)
        code = trainer.exit_code()

    result = trainer.result()
    assert (code, result["outcome"]) == (10, "frozen")
    assert result["checkpoint"]["reason"] == "signal"
    verify(path_of(result["checkpoint"]["uri"]), result["checkpoint"]["manifestSha256"])


def test_deadline_freezes_in_time_with_nobody_there(
    tmp_path: Path, endless: dict[str, Any]
) -> None:
    with TrainerProcess(tmp_path, endless) as trainer:
        trainer.step(2)
        answer = ask(trainer.port(), "PUT", "/v1/deadline", {"seconds": 8})
        code = trainer.exit_code()

    result = trainer.result()
    assert answer.status == 200
    assert (code, result["outcome"]) == (10, "frozen")
    assert result["checkpoint"]["reason"] == "deadline"
    assert result["finishedAt"] <= answer.body["deadline"], "saved and gone by the deadline"
    verify(path_of(result["checkpoint"]["uri"]), result["checkpoint"]["manifestSha256"])


def test_deadline_in_the_past_ends_before_training(tmp_path: Path, endless: dict[str, Any]) -> None:
    past = changed(endless, deadline="2020-01-01T00:00:00Z")
    with TrainerProcess(tmp_path, past, fresh=True) as trainer:
        code = trainer.exit_code()

    assert code == 10
    assert trainer.result()["checkpoint"] is None
