"""Loads data sets of any format into examples, or says everything that is wrong with them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kriptik_trainer.data import csvfile, folder, hub, jsonl, parquet
from kriptik_trainer.data.issues import MAX_ISSUES, DataError, Issue, Issues
from kriptik_trainer.data.kinds import CHAT, Kind
from kriptik_trainer.data.media import NAMED, TOLERATED_SHARE
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.manifest import hash_file
from kriptik_trainer.spec import DataFile
from kriptik_trainer.store import path_of

FEW_ROWS = 50
DUPLICATE_SHARE = 0.1


@dataclass(frozen=True)
class Loaded:
    """One data set that was read. `issues` is empty exactly when it can be trained on."""

    uri: str
    format: str
    shape: str | None
    examples: tuple[Example, ...]
    sha256: str | None
    size_bytes: int | None
    issues: tuple[Issue, ...]
    issue_count: int
    warnings: tuple[str, ...]


def guess_format(path: str) -> str:
    """The format by the file's ending; jsonl where it says nothing. A folder is one where it is there."""
    if path.startswith("file://") and path_of(path).is_dir():
        return "folder"
    suffix = Path(path).suffix.lower()
    return {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}.get(
        suffix, "jsonl"
    )


def _check_file(path: Path, expected_sha256: str | None, issues: Issues) -> tuple[int, str]:
    """Size and hash of a file that is there. Raises DataError."""
    if not path.exists():
        raise issues.fatal("missingFile", "the file does not exist", "Check the path and its case.")
    if path.is_dir():
        raise issues.fatal(
            "notAFile", "this is a folder", 'Name a file in it, or give its format as "folder".'
        )
    try:
        size, sha256 = hash_file(path)
    except OSError as error:
        raise issues.fatal(
            "unreadableFile",
            f"the file cannot be read: {error.strerror}",
            "Give this user the right to read it.",
        ) from error
    if size == 0:
        raise issues.fatal("emptyFile", "the file is empty", "Write the rows into it.")
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise issues.fatal(
            "dataChanged",
            f"the file has SHA-256 {sha256}, but the approved plan names {expected_sha256}",
            "Put the approved file back, or have a new plan made and approved for this one.",
        )
    return size, sha256


def _rows(
    data: DataFile, path: Path | None, issues: Issues, kind: Kind
) -> Iterator[tuple[int, dict[str, Any]]]:
    if path is None:
        return hub.rows(data.uri, data.split, data.revision, issues)
    if data.format == "parquet":
        return parquet.rows(path, issues, kind)
    if data.format == "folder":
        return folder.rows(path, data.split, issues, kind)
    readers = {"jsonl": jsonl.rows, "csv": csvfile.rows}
    return readers[data.format](path, issues)


def _examples(
    rows: Iterator[tuple[int, dict[str, Any]]], issues: Issues, kind: Kind, base: Path | None
) -> tuple[str | None, list[Example]]:
    """(shape, examples); the first row's shape is the file's."""
    shape: str | None = None
    examples: list[Example] = []
    for line, row in rows:
        own = kind.shape_of(row)
        if own is None:
            issues.add(
                "unknownShape",
                f"the row has the fields {', '.join(map(repr, row)) or 'none'}",
                f"A row has {kind.accepted}.",
                line,
            )
        elif shape is not None and own != shape:
            issues.add(
                "mixedShapes",
                f"this row is {own}, the ones before are {shape}",
                "Use one shape in a file; give another file for the others.",
                line,
            )
        else:
            shape = own
            example = kind.to_example(row, own, line, issues, base)
            if example is not None:
                examples.append(example)
        if issues.count > 50 * MAX_ISSUES:
            break
    return shape, examples


def _left_out(issues: Issues, examples: list[Example], kind: Kind, tolerant: bool) -> str | None:
    """What is told of bad rows where the others are enough to train on; they are then no issues any more.
    Where they are too many, the first issue names more of them. Bad rows of text, which people can mend at
    once, are passed over only where it is `tolerant`."""
    total = len(examples) + issues.count
    if (
        issues.count == 0
        or not (tolerant or kind.media)
        or any(one.line is None for one in issues.found)
    ):
        return None
    few = issues.count <= max(1, TOLERATED_SHARE * total) and len(examples) >= kind.min_rows
    named = "; ".join(f"{one.unit} {one.line}: {one.message}" for one in issues.found[:NAMED])
    told = f"{issues.count} of {total} rows cannot be used"
    if few:
        issues.found.clear()
        issues.count = 0
        return f"{told} and were left out: {named}"
    if issues.count > 1:
        first = issues.found[0]
        issues.found[0] = dataclasses.replace(first, message=f"{told}: {named}")
    return None


def _warnings(examples: list[Example], kind: Kind) -> list[str]:
    warnings = []
    if kind.learns_by_heart and kind.min_rows <= len(examples) < FEW_ROWS:
        warnings.append(f"only {len(examples)} rows: the model will mostly learn them by heart")
    digests = {
        hashlib.sha256(repr(dataclasses.replace(example, line=0)).encode()).digest()
        for example in examples
    }
    twice = len(examples) - len(digests)
    if twice > DUPLICATE_SHARE * len(examples):
        warnings.append(f"{twice} of {len(examples)} rows are exact copies of others")
    return warnings


def load(data: DataFile, kind: Kind = CHAT, tolerant: bool = False) -> Loaded:
    """Reads one data set whole. Never raises for faults of the data; they are in `issues`, but for those of
    a few rows that are left out (see _left_out)."""
    path: Path | None = None
    name = data.uri
    size: int | None = None
    sha256: str | None = None
    shape: str | None = None
    examples: list[Example] = []
    issues = Issues(name)
    left_out: str | None = None
    try:
        if data.format != "hub":
            path = path_of(data.uri)
            issues.file = str(path)
            if data.format == "folder":
                size, sha256 = folder.check(path, data.sha256, issues)
            else:
                size, sha256 = _check_file(path, data.sha256, issues)
        base = path if data.format == "folder" or path is None else path.parent
        shape, examples = _examples(_rows(data, path, issues, kind), issues, kind, base)
        left_out = _left_out(issues, examples, kind, tolerant)
        if issues.count == 0 and not examples:
            issues.add("noRows", "there is not one row", "Write the rows into it.")
        elif issues.count == 0 and len(examples) < kind.min_rows:
            issues.add(
                "tooFewRows",
                f"there are only {len(examples)} rows",
                f"Give at least {kind.min_rows}; some hundred are a good start.",
            )
    except DataError as error:
        issues.found.insert(0, error.issue)
        issues.count += 1
    except TrainerError as error:
        issues.add(error.code, error.message, error.remedy or "", None)
    return Loaded(
        data.uri,
        data.format,
        shape,
        tuple(examples),
        sha256,
        size,
        tuple(issues.found),
        issues.count,
        (*([] if left_out is None else [left_out]), *_warnings(examples, kind)),
    )


def load_all(files: tuple[DataFile, ...], kind: Kind = CHAT) -> tuple[Loaded, ...]:
    """Reads all data sets of a run; up to a tenth of the rows may be bad and are left out. Raises
    TrainerError for the first fault of the first bad one."""
    loaded = tuple(load(data, kind, tolerant=True) for data in files)
    for one in loaded:
        if one.issues:
            raise one.issues[0].to_error(more=one.issue_count - 1)
    return loaded
