"""Every method on every kind of model: it learns, it is exported, and a stop changes nothing.

The models are tiny and random, of the real architectures, and come out of ordinary model folders.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kriptik_trainer.store import path_of
from support.cases import CASES
from support.inprocess import resume_of, run_attempt, weights_hash
from support.methods import Case
from support.page import Proof, record
from support.schema import check
from support.specs import changed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods.md"
SEEN_OR_HEARD = ("image", "video", "audio")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.modality}: {case.name}")
def test_method(case: Case, tmp_path: Path) -> None:
    model = case.model(tmp_path)
    spec = case.spec(tmp_path, model)
    began = time.monotonic()
    alone = run_attempt(changed(spec, store__uri=(tmp_path / "alone").as_uri()))
    seconds = time.monotonic() - began
    stopped = run_attempt(spec, stop_after=case.stop_after)
    resumed = run_attempt(changed(spec, attempt="kriptik-test-2", resume=resume_of(stopped)))

    check("status", resumed.status)
    check("metrics", {"next": 0, "points": resumed.points})
    total = spec["hyperparameters"]["maxSteps"]
    assert stopped.status["lastCheckpoint"]["step"] == case.stop_after
    assert resumed.status["step"] == alone.status["step"] == total
    assert resumed.status["warnings"] == alone.status["warnings"]
    losses = [p["loss"] for p in alone.points if p["loss"] is not None]
    assert [p["loss"] for p in resumed.points if p["loss"] is not None] == losses
    final, expected = resumed.status["lastCheckpoint"], alone.status["lastCheckpoint"]
    assert weights_hash(final["uri"]) == weights_hash(expected["uri"])
    moved = weights_hash(stopped.status["lastCheckpoint"]["uri"])
    assert moved != weights_hash(final["uri"]), "the steps after the stop must have moved weights"

    measured = alone.status["evaluation"]
    assert measured == resumed.status["evaluation"]
    check("result", resumed.result)
    assert (resumed.result["outcome"], resumed.result["step"]) == ("succeeded", total)
    assert resumed.result["checkpoint"] == final
    assert stopped.result["outcome"] == "stopped"
    told = resumed.result["evaluation"]
    assert told == measured, "the result tells the figures of the end, after a resume as well"
    every = spec["evaluation"]["everySteps"] or total
    assert told["step"] == total
    assert [one["step"] for one in told["history"]] == [0, *range(every, total, every), total]
    assert told["history"][0]["values"] == told["base"]
    assert told["history"][-1]["values"] == told["latest"]
    assert all(value is not None for one in told["history"] for value in one["values"].values())
    base, tuned = (measured[key][measured["metric"]] for key in ("base", "latest"))
    if case.improves:
        assert (tuned < base) if measured["better"] == "lower" else (tuned > base)

    if case.modality in SEEN_OR_HEARD:
        found = list((tmp_path / "alone" / "samples").glob("step-*/sample-0.*"))
        assert {path.parent.name for path in found} >= {"step-00000000", f"step-{total:08d}"}
        assert all(path.stat().st_size > 0 for path in found)

    artifacts = {a["name"]: path_of(a["uri"]) for a in alone.status["artifacts"]}
    assert set(artifacts) == set(case.outputs)
    for mine, other in zip(resumed.status["artifacts"], alone.status["artifacts"], strict=True):
        assert weights_hash(mine["uri"]) == weights_hash(other["uri"])
    for folder in artifacts.values():
        case.reload(model, folder)
        assert "## Evaluation" in (folder / "README.md").read_text()
    record(Proof(case.modality, case.name, total, measured["metric"], base, tuned, seconds))


def test_the_page_of_methods_lists_what_is_tested() -> None:
    """Written anew by tools/methods_page.sh."""
    rows = [line.split("|")[1:3] for line in PAGE.read_text().splitlines() if "| bitwise |" in line]
    listed = {(modality.strip(), name.strip()) for modality, name in rows}
    assert listed == {(case.modality, case.name) for case in CASES}
