"""A folder of pictures, clips or sounds: captions in metadata.jsonl, or in a text file beside each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kriptik_trainer.data import jsonl
from kriptik_trainer.data.issues import Issues
from kriptik_trainer.data.kinds import Kind
from kriptik_trainer.manifest import hash_file

METADATA = "metadata.jsonl"


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


def rows(folder: Path, issues: Issues, kind: Kind) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, row) of every file of the kind, in the order of names. Raises DataError."""
    if kind.media is None:
        raise issues.fatal(
            "wrongFormat", f"a folder cannot hold {kind.name}", "Give a jsonl, csv or parquet file."
        )
    if (folder / METADATA).is_file():
        yield from jsonl.rows(folder / METADATA, issues)
        return
    issues.unit = "file"
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kind.suffixes)
    for number, path in enumerate(found, 1):
        row: dict[str, Any] = {kind.media: path.relative_to(folder).as_posix()}
        for name, suffix in (("caption", ".txt"), ("lyrics", ".lyrics")):
            beside = path.with_suffix(suffix)
            if beside.is_file():
                row[name] = beside.read_text("utf-8", errors="replace").strip()
        if "caption" not in row and not kind.caption_optional:
            issues.add(
                "missingCaption",
                f"{row[kind.media]} has no caption",
                f"Write it to {path.with_suffix('.txt').name} beside it, or into {METADATA}.",
                number,
            )
            continue
        yield number, row
