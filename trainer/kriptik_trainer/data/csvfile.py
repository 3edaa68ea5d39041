"""CSV with a header line: comma, semicolon or tab, double quotes, UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kriptik_trainer.data.issues import Issues
from kriptik_trainer.data.jsonl import decode, refuse_binary

FIELD_LIMIT = 16 << 20


def delimiter_of(header: str) -> str:
    """The separator a header line uses; spreadsheets of some countries write semicolons."""
    return max(",;\t", key=lambda mark: (header.count(mark), mark == ","))


def _lines(path: Path, issues: Issues) -> Iterator[str]:
    with path.open("rb") as file:
        refuse_binary(file.read(8), issues)
        file.seek(0)
        for number, raw in enumerate(file, 1):
            text = decode(raw, number, issues)
            if text is None:
                raise issues.fatal(**_last(issues))
            if "\0" in text:
                raise issues.fatal(
                    "invalidText", "the line holds a NUL byte", "Write the file as text.", number
                )
            yield text


def _last(issues: Issues) -> dict[str, Any]:
    issue = issues.found.pop()
    issues.count -= 1
    return {
        "code": issue.code,
        "message": issue.message,
        "remedy": issue.remedy,
        "line": issue.line,
    }


def _header(names: list[str], issues: Issues) -> list[str]:
    names = [name.strip() for name in names]
    for index, name in enumerate(names, 1):
        if not name:
            raise issues.fatal(
                "emptyHeader",
                f"column {index} has no name",
                "Give every column a name in the first line.",
                1,
            )
        if names.index(name) != index - 1:
            raise issues.fatal(
                "duplicateHeader",
                f"two columns are named {name!r}",
                "Rename or drop one of them.",
                1,
                name,
            )
    return names


def rows(path: Path, issues: Issues) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row) of every record, `line` being its last one. Raises DataError."""
    csv.field_size_limit(FIELD_LIMIT)
    lines = _lines(path, issues)
    first = next(lines, "")
    if not first.strip():
        raise issues.fatal(
            "emptyHeader", "the first line is empty", "Name the columns in the first line.", 1
        )

    def all_lines() -> Iterator[str]:
        yield first
        yield from lines

    reader = csv.reader(all_lines(), delimiter=delimiter_of(first), strict=True)
    try:
        header = _header(next(reader), issues)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                issues.add(
                    "raggedRow",
                    f"the row has {len(values)} fields, the header {len(header)}",
                    "Put texts with commas, quotes or line breaks into double quotes.",
                    reader.line_num,
                )
                continue
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise issues.fatal(
            "badCsv",
            f"not CSV: {error}",
            'Close every double quote, and write a quote inside a text as "".',
            reader.line_num,
        ) from error
