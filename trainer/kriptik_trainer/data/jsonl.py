"""JSON Lines: one JSON object a line, UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kriptik_trainer.data.issues import Issues

MAX_LINE = 16 << 20
_SIGNATURES = {
    b"\x1f\x8b": ("compressed", "the file is gzip-compressed", "Unpack it with gunzip."),
    b"PK\x03\x04": ("compressed", "the file is a ZIP archive", "Unpack it first."),
    b"\x28\xb5\x2f\xfd": ("compressed", "the file is zstd-compressed", "Unpack it with unzstd."),
    b"PAR1": ("wrongFormat", "the file is Parquet", "Give its format as parquet."),
    b"\xff\xfe": ("notUtf8", "the file is UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8."),
    b"\xfe\xff": ("notUtf8", "the file is UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8."),
}


def refuse_binary(head: bytes, issues: Issues) -> None:
    """Raises DataError for content that is plainly something else than a text file."""
    for signature, (code, message, remedy) in _SIGNATURES.items():
        if head.startswith(signature):
            raise issues.fatal(code, message, remedy)


def decode(raw: bytes, line: int, issues: Issues) -> str | None:
    """A line as text; None after noting where it stops being UTF-8."""
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        issues.add(
            "notUtf8",
            f"byte {error.start + 1} of the line (0x{raw[error.start]:02x}) is not UTF-8",
            "Save the file as UTF-8, for example with iconv -f WINDOWS-1252 -t UTF-8.",
            line,
        )
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise KeyError(twice)
    return row


def _refuse_number(text: str) -> Any:
    raise ValueError(text)


def parse_line(text: str, line: int, issues: Issues) -> dict[str, Any] | None:
    """The row on a line; None after noting what is wrong."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_number)
    except json.JSONDecodeError as error:
        remedy = "Write each row as one JSON object on a line of its own."
        if error.msg.startswith("Extra data"):
            remedy = "There is more than one value on the line; give each row its own line."
        elif text.strip() in ("{", "["):
            remedy = "The JSON is spread over lines; write one row a line: jq -c . FILE."
        issues.add("badJson", f"not JSON at column {error.colno}: {error.msg}", remedy, line)
        return None
    except KeyError as error:
        name = str(error.args[0])
        issues.add("duplicateField", f"{name!r} is there twice", "Keep one of them.", line, name)
        return None
    except ValueError as error:
        issues.add("badJson", f"{error} is not JSON", "Write a number, a text or null.", line)
        return None
    except RecursionError:
        issues.add("badJson", "the value is nested too deeply", "Flatten the row.", line)
        return None
    if isinstance(value, list):
        issues.add(
            "notAnObject",
            "the line is a JSON list",
            "Write one object a line: jq -c '.[]' FILE.",
            line,
        )
        return None
    if not isinstance(value, dict):
        issues.add(
            "notAnObject", "the line is not a JSON object", f"Write {{..}}, not {text[:40]}.", line
        )
        return None
    return value


def rows(path: Path, issues: Issues) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row) of every line that holds a row; blank lines are passed over.

    Raises DataError where the file as a whole is not JSON Lines; notes single bad lines.
    """
    with path.open("rb") as file:
        refuse_binary(file.read(8), issues)
        file.seek(0)
        line = 0
        while raw := file.readline(MAX_LINE + 1):
            line += 1
            if len(raw) > MAX_LINE:
                raise issues.fatal(
                    "lineTooLong",
                    f"the line has more than {MAX_LINE >> 20} MiB",
                    "Write one row a line; is this one JSON document?",
                    line,
                )
            text = decode(raw, line, issues)
            if text is None or not text.strip():
                continue
            row = parse_line(text, line, issues)
            if row is not None:
                yield line, row
            elif line == 1 and text.strip() in ("{", "["):
                return
