"""A run that was stopped and resumed ends with the very weights of one that was left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.inprocess import resume_of, run_attempt, weights_hash
from support.specs import changed, spec_json


@pytest.mark.parametrize(
    ("method", "outputs"), [("lora", ["adapter", "merged"]), ("full", ["merged"])]
)
def test_stopped_and_resumed_equals_undisturbed(
    tmp_path: Path, tiny: Path, data: Path, method: str, outputs: list[str]
) -> None:
    # Accumulation 2 over three epochs of 12 rows: the stop after step 4 is in the middle of an epoch.
    spec = changed(spec_json(tmp_path, tiny, data), method__name=method, outputs=outputs)
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    stopped = run_attempt(spec, stop_after=4)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    assert stopped.ended_early == "stopped"
    assert stopped.status["lastCheckpoint"]["step"] == 4
    assert stopped.status["lastCheckpoint"]["reason"] == "requested"
    assert stopped.mailbox.get("test-stop").state == "done"
    assert stopped.status["artifacts"] == []
    assert resumed.ended_early is None
    assert resumed.status["warnings"] == alone.status["warnings"]
    final, expected = resumed.status["lastCheckpoint"], alone.status["lastCheckpoint"]
    assert (final["step"], final["reason"]) == (6, "final")
    assert weights_hash(final["uri"]) == weights_hash(expected["uri"])
    assert [p["loss"] for p in resumed.points] == [p["loss"] for p in alone.points]
    assert [p["n"] for p in resumed.points] == [1, 2, 3, 4, 5, 6]
    for mine, other in zip(resumed.status["artifacts"], alone.status["artifacts"], strict=True):
        assert weights_hash(mine["uri"]) == weights_hash(other["uri"])
    moved = weights_hash(stopped.status["lastCheckpoint"]["uri"])
    assert moved != weights_hash(expected["uri"]), "two more steps must have changed the weights"


def test_a_resume_at_the_last_step_only_exports(tmp_path: Path, tiny: Path, data: Path) -> None:
    spec = spec_json(tmp_path, tiny, data)
    done = run_attempt(spec)
    again = run_attempt(
        changed(spec, attempt="kriptik-test-2", resume=resume_of(done), outputs=["merged"])
    )

    assert again.ended_early is None
    assert again.status["step"] == 6
    assert [a["name"] for a in again.status["artifacts"]] == ["merged"]
    assert len(again.points) == 6, "no step may be trained twice"
    merged = {a["name"]: a["uri"] for a in done.status["artifacts"]}["merged"]
    assert weights_hash(again.status["artifacts"][0]["uri"]) == weights_hash(merged)


def test_other_data_than_the_checkpoints_is_told(tmp_path: Path, tiny: Path, data: Path) -> None:
    spec = spec_json(tmp_path, tiny, data)
    stopped = run_attempt(spec, stop_after=2)
    data.write_text(data.read_text() + '{"question": "one more?", "answer": "yes"}\n')
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    assert any(text.startswith("data differs") for text in resumed.status["warnings"])
