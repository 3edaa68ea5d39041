"""What models that see are asked: whether they really say the right thing, not only how likely it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kriptik_trainer.answers import agreement
from support.inprocess import run_attempt
from support.seeing import SEEING
from support.specs import changed

FULL = next(case for case in SEEING if case.name == "full, Qwen2-VL")


@pytest.mark.parametrize(
    ("answer", "expected", "exact", "accurate", "overlap"),
    [
        ("red", "red", 1, 1, 1),
        (" red\n", "red", 1, 1, 1),
        ("The Red.", "red", 0, 1, 1),
        ("a red bar", "red", 0, 0, 2 / 3),
        ("blue", "red", 0, 0, 0),
        ("", "red", 0, 0, 0),
        ("the", "a", 0, 1, 1),
        ("it's", "it s", 0, 1, 1),
    ],
)
def test_answers_are_compared_in_three_ways(
    answer: str, expected: str, exact: float, accurate: float, overlap: float
) -> None:
    figures = agreement([(answer, expected)])

    assert (figures["exactMatch"], figures["answerAccuracy"]) == (exact, accurate)
    assert figures["answerF1"] == pytest.approx(overlap)


def test_no_answers_have_no_figures() -> None:
    assert agreement([]) == {}


def test_a_model_that_has_learnt_the_answer_says_it(tmp_path: Path) -> None:
    spec = FULL.spec(tmp_path, FULL.model(tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "questions.jsonl").read_text().splitlines()]
    (tmp_path / "questions.jsonl").write_text(
        "".join(json.dumps({**row, "answer": "red"}) + "\n" for row in rows)
    )
    spec = changed(spec, evaluation__everySteps=None, hyperparameters__maxSteps=12)
    measured = run_attempt(spec).status["evaluation"]

    told = ("exactMatch", "answerAccuracy", "answerF1")
    assert [measured["base"][name] for name in told] == [0, 0, 0]
    assert [measured["latest"][name] for name in told] == [1, 1, 1]
    assert measured["metric"] == "perplexity"
