"""Each way a data file can be wrong, with the place and the remedy that are told."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kriptik_trainer.data.load import load
from kriptik_trainer.spec import DataFile

GOOD = '{"question": "a?", "answer": "b"}\n'


def turn(role: object, content: object) -> str:
    return json.dumps(
        {"messages": [{"role": "user", "content": "q"}, {"role": role, "content": content}]}
    )


def rows(*lines: str) -> bytes:
    return (GOOD * 4 + "".join(f"{line}\n" for line in lines)).encode()


JSONL = [
    ("empty file", b"", "emptyFile", None, None, "Write the rows"),
    ("only blank lines", b"\n\n \n", "noRows", None, None, "Write the rows"),
    ("too few rows", GOOD.encode() * 3, "tooFewRows", None, None, "at least 4"),
    ("cut-off JSON", rows('{"question": "a?"'), "badJson", 5, None, "one JSON object"),
    ("two values on a line", rows("{} {}"), "badJson", 5, None, "own line"),
    ("pretty-printed JSON", b'{\n  "question": "a?"\n}\n', "badJson", 1, None, "jq -c . FILE"),
    ("NaN", rows('{"question": NaN}'), "badJson", 5, None, "number, a text or null"),
    ("deep nesting", rows("[" * 100_000), "badJson", 5, None, "Flatten"),
    ("a JSON list", rows('[{"text": "a"}]'), "notAnObject", 5, None, "jq -c '.[]'"),
    ("a JSON text", rows('"hello"'), "notAnObject", 5, None, 'not "hello"'),
    ("not UTF-8", rows() + b'{"text": "\xe9"}\n', "notUtf8", 5, None, "iconv"),
    ("UTF-16", GOOD.encode("utf-16"), "notUtf8", None, None, "iconv -f UTF-16"),
    ("gzip", gzip.compress(GOOD.encode()), "compressed", None, None, "gunzip"),
    ("zip", b"PK\x03\x04rest", "compressed", None, None, "Unpack"),
    ("Parquet", b"PAR1rest", "wrongFormat", None, None, "parquet"),
    ("field twice", rows('{"text": "a", "text": "b"}'), "duplicateField", 5, "text", "Keep one"),
    ("no known field", rows('{"q": "a?"}'), "unknownShape", 5, None, "question and answer"),
    ("an empty object", rows("{}"), "unknownShape", 5, None, "question and answer"),
    ("mixed shapes", rows('{"text": "a"}'), "mixedShapes", 5, None, "one shape"),
    ("no answer", rows('{"question": "a?"}'), "missingField", 5, "answer", "Add 'answer'"),
    ("no question", rows('{"answer": "a"}'), "missingField", 5, "question", "Add 'question'"),
    ("a number", rows('{"question": 7, "answer": "a"}'), "wrongType", 5, "question", "as a text"),
    ("a null", rows('{"question": "a?", "answer": null}'), "wrongType", 5, "answer", "as a text"),
    (
        "empty answer",
        rows('{"question": "a?", "answer": " "}'),
        "emptyContent",
        5,
        "answer",
        "drop the row",
    ),
    (
        "half a surrogate",
        rows('{"question": "\\ud800", "answer": "a"}'),
        "invalidText",
        5,
        "question",
        "whole characters",
    ),
    ("no completion", b'{"prompt": "a"}\n', "missingField", 1, "completion", "Add 'completion'"),
    ("no output", b'{"instruction": "a"}\n', "missingField", 1, "output", "Add 'output'"),
    (
        "input not a text",
        b'{"instruction": "a", "output": "b", "input": 1}\n',
        "wrongType",
        1,
        "input",
        "as a text",
    ),
    ("text empty", b'{"text": ""}\n', "emptyContent", 1, "text", "drop the row"),
    ("messages not a list", b'{"messages": "hi"}\n', "wrongType", 1, "messages", "list like"),
    ("messages empty", b'{"messages": []}\n', "emptyContent", 1, "messages", "drop the row"),
    (
        "message not an object",
        b'{"messages": ["hi"]}\n',
        "wrongType",
        1,
        "messages[0]",
        "Write messages as",
    ),
    (
        "message without role",
        b'{"messages": [{"content": "a"}]}\n',
        "missingField",
        1,
        "messages[0].role",
        "Write messages as",
    ),
    (
        "message without content",
        b'{"messages": [{"role": "user"}]}\n',
        "missingField",
        1,
        "messages[0].content",
        "Write messages as",
    ),
    (
        "content a list",
        turn("assistant", ["a"]).encode(),
        "wrongType",
        1,
        "messages[1].content",
        "as a text",
    ),
    (
        "foreign role",
        turn("gpt", "a").encode(),
        "unknownRole",
        1,
        "messages[1].role",
        "'assistant'",
    ),
    (
        "unknown role",
        turn("boss", "a").encode(),
        "unknownRole",
        1,
        "messages[1].role",
        "system, user",
    ),
    (
        "late system",
        turn("system", "a").encode(),
        "misplacedSystem",
        1,
        "messages[1].role",
        "front",
    ),
    (
        "empty content",
        turn("assistant", "").encode(),
        "emptyContent",
        1,
        "messages[1].content",
        "drop the row",
    ),
    (
        "no assistant",
        turn("user", "a").encode(),
        "noAssistantTurn",
        1,
        "messages",
        "role assistant",
    ),
    ("line too long", b'{"text": "' + b"a" * (17 << 20), "lineTooLong", 1, None, "one row a line"),
]
HEAD = b"question,answer\n"
CSV = [
    ("ragged row", HEAD + b"a,b\n" * 4 + b"a,b,c\n", "raggedRow", 6, None, "double quotes"),
    ("short row", HEAD + b"a,b\n" * 4 + b"a\n", "raggedRow", 6, None, "double quotes"),
    ("open quote", HEAD + b'a,"b\n', "badCsv", 2, None, "Close every"),
    ("text after quote", HEAD + b'"a"x,b\n', "badCsv", 2, None, "Close every"),
    ("column twice", b"answer,answer\na,b\n", "duplicateHeader", 1, "answer", "Rename"),
    ("column without name", b"question,\na,b\n", "emptyHeader", 1, None, "a name"),
    ("empty first line", b"\nquestion,answer\n", "emptyHeader", 1, None, "first line"),
    ("header only", HEAD, "noRows", None, None, "Write the rows"),
    ("no known column", b"q,a\n1,2\n", "unknownShape", 2, None, "question and answer"),
    ("empty cell", HEAD + b"a,\n", "emptyContent", 2, "answer", "drop the row"),
    ("not UTF-8", HEAD + b"\xe9,b\n", "notUtf8", 2, None, "iconv"),
    ("NUL byte", HEAD + b"a\0,b\n", "invalidText", 2, None, "as text"),
]


def parquet(columns: dict[str, list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


WHOLE = parquet({"question": ["a"] * 4, "answer": ["b"] * 4})
PARQUET = [
    ("a text file", GOOD.encode(), "notParquet", None, None, "jsonl or csv"),
    ("cut off", WHOLE[:-20], "notParquet", None, None, "cut off"),
    (
        "damaged footer",
        WHOLE[:-8] + struct.pack("<I", 1 << 30) + b"PAR1",
        "notParquet",
        None,
        None,
        "again",
    ),
    ("no known column", parquet({"q": ["a"]}), "unknownShape", None, None, "question and answer"),
    (
        "a null",
        parquet({"question": ["a", None], "answer": ["b", "c"]}),
        "wrongType",
        2,
        "question",
        "as a text",
    ),
    (
        "a number column",
        parquet({"question": [1], "answer": ["b"]}),
        "wrongType",
        1,
        "question",
        "as a text",
    ),
]
CASES = [
    pytest.param(kind, *case[1:], id=f"{kind}: {case[0]}")
    for kind, cases in (("jsonl", JSONL), ("csv", CSV), ("parquet", PARQUET))
    for case in cases
]


@pytest.mark.parametrize(("kind", "content", "code", "line", "field", "remedy"), CASES)
def test_a_fault_is_told_with_place_and_remedy(
    tmp_path: Path,
    kind: str,
    content: bytes,
    code: str,
    line: int | None,
    field: str | None,
    remedy: str,
) -> None:
    path = tmp_path / f"rows.{kind}"
    path.write_bytes(content)
    loaded = load(DataFile(path.as_uri(), kind, None, None, None))

    assert loaded.issues, "the fault must be found"
    issue = loaded.issues[0]
    assert (issue.code, issue.line, issue.field) == (code, line, field)
    assert remedy in issue.remedy
    assert str(path) in issue.where
    assert loaded.issue_count >= 1


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("file:///no/such/file.jsonl", "missingFile"),
        ("file:///tmp", "notAFile"),
        ("relative.jsonl", "unsupportedUri"),
        ("s3://bucket/x.jsonl", "unsupportedUri"),
    ],
)
def test_a_file_that_is_not_there(uri: str, code: str) -> None:
    assert load(DataFile(uri, "jsonl", None, None, None)).issues[0].code == code


@pytest.mark.parametrize("uri", ["hf://datasets/", "hf://datasets/a/b/c", "name"])
def test_a_hub_name_that_is_none(uri: str) -> None:
    assert load(DataFile(uri, "hub", None, None, None)).issues[0].code == "badHubUri"


def test_a_hub_that_is_not_reached() -> None:
    loaded = load(DataFile("hf://datasets/nobody/nothing", "hub", None, None, None))

    assert loaded.issues[0].code in ("hubUnreachable", "hubNotFound", "hubFailed")
    assert loaded.issues[0].remedy


def test_a_file_that_is_not_the_approved_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD * 4)
    loaded = load(DataFile(path.as_uri(), "jsonl", None, None, "0" * 64))

    assert loaded.issues[0].code == "dataChanged"
    assert "approved" in loaded.issues[0].remedy


def test_many_faults_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD * 4 + "no\n" * 30)
    loaded = load(DataFile(path.as_uri(), "jsonl", None, None, None))

    assert (len(loaded.issues), loaded.issue_count) == (20, 30)
    assert loaded.issues[0].to_error(29).message.endswith("(29 more)")
