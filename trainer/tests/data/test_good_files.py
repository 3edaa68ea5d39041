"""Accepted formats and shapes, and their common form."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kriptik_trainer.check import check
from kriptik_trainer.data.load import load
from kriptik_trainer.spec import DataFile

CHAT = [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": CHAT}, CHAT),
        ({"prompt": "a?", "completion": "b"}, CHAT),
        ({"question": "a?", "answer": "b", "extra": 1}, CHAT),
        ({"instruction": "a?", "output": "b", "input": ""}, CHAT),
        (
            {"instruction": "Sum up.", "input": "a text", "output": "b"},
            [{"role": "user", "content": "Sum up.\n\na text"}, CHAT[1]],
        ),
        (
            {"system": "Be brief.", "question": "a?", "answer": "b"},
            [{"role": "system", "content": "Be brief."}, *CHAT],
        ),
    ],
)
def test_shapes_become_messages(tmp_path: Path, row: object, expected: list[object]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(row)}\n\n" * 4)
    loaded = load(DataFile(path.as_uri(), "jsonl", None, None, None))

    assert loaded.issues == ()
    assert list(loaded.examples[0].messages or ()) == expected
    assert [example.line for example in loaded.examples] == [1, 3, 5, 7]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ('question,answer\n"a, ""b""?","c\nd"\n', "utf-8"),
        ('question;answer\n"a, ""b""?";"c\nd"\n', "utf-8-sig"),
        ('question\tanswer\n"a, ""b""?"\t"c\nd"\n', "utf-8"),
    ],
)
def test_csv_with_quotes_and_other_separators(tmp_path: Path, content: str, encoding: str) -> None:
    head, _, row = content.partition("\n")
    path = tmp_path / "rows.csv"
    path.write_text(f"{head}\n{row * 4}", encoding)
    loaded = load(DataFile(path.as_uri(), "csv", None, None, None))

    assert loaded.issues == ()
    assert [m["content"] for m in loaded.examples[3].messages or ()] == ['a, "b"?', "c\nd"]


def test_parquet_with_messages(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"messages": [CHAT] * 5, "id": [1, 2, 3, 4, 5]}), path)
    loaded = load(DataFile(path.as_uri(), "parquet", None, None, None))

    assert loaded.issues == ()
    assert list(loaded.examples[4].messages or ()) == CHAT
    assert loaded.examples[4].line == 5


def test_copies_and_few_rows_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "the same"}\n' * 10)
    warnings = load(DataFile(path.as_uri(), "jsonl", None, None, None)).warnings

    assert any("only 10 rows" in text for text in warnings)
    assert any("9 of 10 rows are exact copies" in text for text in warnings)


def test_check_reports_rows_and_tokens(tmp_path: Path, tiny: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.csv"
    good.write_text('{"question": "what is a freeze", "answer": "a freeze saves"}\n' * 5)
    bad.write_text("question,answer\na\n")
    counted = check([str(good)], None, None, str(tiny), 12)
    report = check([str(good), str(bad)], None, None, None, 512)

    assert counted["ok"] is True
    assert counted["tokens"]["estimated"] is False
    assert counted["tokens"]["longer"] == 5
    assert "longer than 12 tokens" in counted["warnings"][0]
    assert (report["ok"], report["rows"]) == (False, 5)
    assert report["files"][0]["errors"] == []
    assert report["files"][1]["errors"][0]["line"] == 2
    assert report["tokens"]["estimated"] is True


def test_the_quickstart_data_is_good() -> None:
    quickstart = Path(__file__).resolve().parents[3] / "examples" / "quickstart"
    loaded = load(
        DataFile((quickstart / "data/helpdesk.jsonl").as_uri(), "jsonl", None, None, None)
    )
    asked = {example.messages[0]["content"] for example in loaded.examples if example.messages}
    held_out = [
        json.loads(line)["prompt"]
        for line in (quickstart / "prompts.jsonl").read_text().splitlines()
    ]

    assert loaded.issues == ()
    assert loaded.warnings == ()
    assert len(asked) >= 150
    assert len(held_out) == 3
    assert not asked.intersection(held_out), "the demo's prompts must not be in the data"
