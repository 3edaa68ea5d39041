"""Rows that a run leaves out and counts, and how many of them end it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kriptik_trainer.data.load import load, load_all
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import DataFile

GOOD = {"question": "resume?", "answer": "yes"}
BAD = {"question": "resume?", "answer": ""}


def written(folder: Path, good: int, *bad: object) -> DataFile:
    """Good rows first, then the others as lines 1 + good and on."""
    path = folder / "rows.jsonl"
    lines = [json.dumps({**GOOD, "question": f"{n}?"}) for n in range(good)]
    lines += [one if isinstance(one, str) else json.dumps(one) for one in bad]
    path.write_text("\n".join(lines) + "\n")
    return DataFile(path.as_uri(), "jsonl", None, None, None)


def test_a_few_are_left_out_and_named(tmp_path: Path) -> None:
    (loaded,) = load_all((written(tmp_path, 18, BAD, "{half a row"),))

    assert len(loaded.examples) == 18
    told = next(text for text in loaded.warnings if "left out" in text)
    assert told.startswith("2 of 20 rows cannot be used")
    assert "line 19: 'answer' is empty" in told
    assert "line 20: not JSON" in told


def test_too_many_end_the_run_naming_file_and_rows(tmp_path: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        load_all((written(tmp_path, 18, BAD, BAD, BAD),))

    assert caught.value.code == "emptyContent"
    assert "rows.jsonl line 19" in str(caught.value.where)
    for line in (19, 20, 21):
        assert f"line {line}: " in caught.value.message
    assert "3 of 21 rows cannot be used" in caught.value.message


def test_one_bad_row_of_few_is_left_out_but_too_few_are_no_data(tmp_path: Path) -> None:
    assert len(load_all((written(tmp_path, 4, BAD),))[0].examples) == 4
    with pytest.raises(TrainerError):
        load_all((written(tmp_path, 3, BAD),))


def test_a_check_beforehand_names_every_one(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, 18, BAD))

    assert [issue.line for issue in loaded.issues] == [19]
    assert not any("left out" in text for text in loaded.warnings)
