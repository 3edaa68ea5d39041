"""A folder of pictures, clips or sounds, with captions in a list or in a text file beside each; or a data
set in Parquet files, laid out as on the Hub."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kriptik_trainer.data import csvfile, jsonl, parquet
from kriptik_trainer.data.issues import Issues
from kriptik_trainer.data.kinds import Kind
from kriptik_trainer.manifest import hash_file

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
Numbered = Iterator[tuple[int, dict[str, Any]]]


def check(folder: Path, expected_sha256: str | None, issues: Issues) -> tuple[int, str]:
    """Bytes and one hash over the names and contents of all files. Raises DataError."""
    if not folder.is_dir():
        raise issues.fatal("missingFile", "the folder does not exist", "Check the path.")
    digest, total = hashlib.sha256(), 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size, sha256 = hash_file(path)
        total += size
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256}\n".encode())
    if expected_sha256 is not None and digest.hexdigest() != expected_sha256:
        raise issues.fatal(
            "dataChanged",
            f"the folder has SHA-256 {digest.hexdigest()}, but the approved plan names another",
            "Put the approved files back, or have a new plan made and approved for these.",
        )
    return total, digest.hexdigest()


def _below(folder: Path, split: str | None) -> Path:
    """The folder of a split, where there is one for each."""
    return folder / split if split is not None and (folder / split).is_dir() else folder


def _shards(folder: Path, split: str | None) -> list[Path]:
    """The Parquet files of a split, as data sets of the Hub are laid out: data/train-00000-of-00002.parquet
    or train/0000.parquet. All files, where none is named after a split."""
    every = sorted(path for path in folder.rglob("*.parquet") if path.name != METADATA[2])
    wanted = re.compile(rf"(^|[-_./]){re.escape(split or 'train')}([-_./]|$)")
    named = [path for path in every if wanted.search(path.relative_to(folder).as_posix())]
    return named if named or split is not None else every


def _listed(path: Path, folder: Path, issues: Issues, kind: Kind) -> Numbered:
    """The rows of a list of files, whose paths are taken from where the list is."""
    reader = {".jsonl": jsonl.rows, ".csv": csvfile.rows}.get(path.suffix)
    found = parquet.rows(path, issues, kind) if reader is None else reader(path, issues)
    place = path.parent.relative_to(folder)
    for number, row in found:
        name = row.get("file_name")
        yield number, {**row, "file_name": str(place / name)} if isinstance(name, str) else row


def _captioned(folder: Path, below: Path, issues: Issues, kind: Kind) -> Numbered:
    """Every file of the kind, in the order of names, with what stands in text files beside it."""
    issues.unit = "file"
    found = sorted(path for path in below.rglob("*") if path.suffix.lower() in kind.suffixes)
    for number, path in enumerate(found, 1):
        row: dict[str, Any] = {str(kind.media): path.relative_to(folder).as_posix()}
        for name, suffix in (("caption", ".txt"), ("lyrics", ".lyrics")):
            beside = path.with_suffix(suffix)
            if beside.is_file():
                row[name] = beside.read_text("utf-8", errors="replace").strip()
        if not row.get("caption") and not kind.caption_optional:
            issues.add(
                "missingCaption",
                f"{row[str(kind.media)]} has no caption",
                f"Write it to {path.with_suffix('.txt').name} beside it, or into {METADATA[0]}.",
                number,
            )
            continue
        yield number, row


def rows(folder: Path, split: str | None, issues: Issues, kind: Kind) -> Numbered:
    """(number, row) of a folder: of its Parquet files, else of the files that its metadata list, else of
    all files of the kind. Raises DataError."""
    shards = _shards(folder, split)
    if shards:
        number = 0
        for shard in shards:
            for _, row in parquet.rows(shard, issues, kind):
                number += 1
                yield number, row
        return
    if kind.media is None:
        raise issues.fatal(
            "wrongFormat",
            f"a folder of files cannot hold {kind.name}",
            "Give a jsonl, csv or parquet file, or a folder of Parquet files.",
        )
    below = _below(folder, split)
    lists = sorted(path for path in below.rglob("metadata.*") if path.name in METADATA)
    for path in lists:
        yield from _listed(path, folder, issues, kind)
    if not lists:
        yield from _captioned(folder, below, issues, kind)
