"""Rows that are judged one by one, and pairs beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.data.kinds import JUDGED
from kriptik_trainer.data.load import Loaded, load
from kriptik_trainer.spec import DataFile

GOOD = {"prompt": "resume?", "completion": "yes", "label": True}


def read(folder: Path, *rows: dict[str, Any], suffix: str = "jsonl") -> Loaded:
    path = folder / f"rows.{suffix}"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load(DataFile(path.as_uri(), "jsonl", None, None, None), JUDGED)


def test_the_verdict_says_which_side_an_answer_is_on(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, {**GOOD, "label": False}, {**GOOD, "label": 0}, GOOD).examples

    assert [(one.chosen, one.rejected) for one in found[:3]] == [
        ("yes", None),
        (None, "yes"),
        (None, "yes"),
    ]


def test_a_table_says_it_in_words(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,completion,label\n" + "a?,b,True\nc?,d,false\n" * 2)
    found = load(DataFile(path.as_uri(), "csv", None, None, None), JUDGED).examples

    assert [one.chosen is not None for one in found] == [True, False, True, False]


def test_pairs_are_taken_too(tmp_path: Path) -> None:
    found = read(tmp_path, *[{"prompt": "p", "chosen": "a", "rejected": "b"}] * 4)

    assert found.shape == "preference"
    assert found.examples[0].chosen == "a"


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({**GOOD, "label": "maybe"}, "wrongType", "label"),
        ({**GOOD, "label": None}, "wrongType", "label"),
        ({**GOOD, "completion": " "}, "emptyContent", "completion"),
        ({"prompt": "p", "completion": "c"}, "wrongType", "label"),
        ({"question": "q"}, "unknownShape", None),
    ],
)
def test_a_bad_row_is_told(
    tmp_path: Path, row: dict[str, Any], code: str, field: str | None
) -> None:
    issue = read(tmp_path, row).issues[0]

    assert (issue.code, issue.field) == (code, field)
    assert issue.remedy
