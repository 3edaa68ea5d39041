"""MANIFEST.json: the list of files with sizes and hashes that makes a folder a checkpoint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kriptik_trainer.errors import TrainerError

NAME = "MANIFEST.json"
FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileEntry:
    """A file below the manifest's folder: POSIX path, bytes, hex SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A verified or freshly built manifest; `sha256` is of its own bytes."""

    kind: str
    step: int
    attempt: str
    created_at: str
    files: tuple[FileEntry, ...]
    sha256: str

    @property
    def size_bytes(self) -> int:
        """Bytes of all files, the manifest itself not counted."""
        return sum(entry.size for entry in self.files)


def hash_file(path: Path) -> tuple[int, str]:
    """Size and hex SHA-256 of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def files_below(folder: Path) -> list[Path]:
    """The files of a tree, sorted, the manifest left out."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in found if path != folder / NAME)


def build(
    folder: Path, kind: str, step: int, attempt: str, created_at: str
) -> tuple[bytes, Manifest]:
    """The manifest of a folder as it is, and its bytes; nothing is written."""
    entries = []
    for path in files_below(folder):
        size, sha256 = hash_file(path)
        entries.append(FileEntry(path.relative_to(folder).as_posix(), size, sha256))
    value = {
        "format": FORMAT,
        "kind": kind,
        "step": step,
        "attempt": attempt,
        "createdAt": created_at,
        "files": [vars(entry) for entry in entries],
    }
    content = (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(content).hexdigest()
    return content, Manifest(kind, step, attempt, created_at, tuple(entries), digest)


def _broken(folder: Path, problem: str) -> TrainerError:
    return TrainerError(
        "checkpointBroken",
        problem,
        str(folder),
        "Use another checkpoint; this one was never completed or was changed afterwards.",
    )


def parse(content: bytes, folder: Path) -> Manifest:
    """Decodes a manifest. Raises TrainerError `checkpointBroken`; file hashes are not looked at."""
    try:
        value: Any = json.loads(content)
        if value["format"] != FORMAT:
            raise _broken(folder, f"{NAME} has format {value['format']}; known: {FORMAT}")
        files = tuple(FileEntry(f["path"], int(f["size"]), f["sha256"]) for f in value["files"])
        manifest = Manifest(
            str(value["kind"]),
            int(value["step"]),
            str(value["attempt"]),
            str(value["createdAt"]),
            files,
            hashlib.sha256(content).hexdigest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(folder, f"{NAME} cannot be understood: {error!r}") from error
    for entry in manifest.files:
        path = PurePosixPath(entry.path)
        if path.is_absolute() or ".." in path.parts:
            raise _broken(folder, f"{NAME} names {entry.path!r}, which is outside its folder")
    return manifest


def verify(folder: Path, expected_sha256: str | None = None) -> Manifest:
    """Reads every file back and compares. Raises TrainerError `checkpointBroken`.

    With `expected_sha256` the manifest itself must be that very one.
    """
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise _broken(folder, f"{NAME} cannot be read: {error.strerror}") from error
    manifest = parse(content, folder)
    if expected_sha256 is not None and manifest.sha256 != expected_sha256:
        raise _broken(
            folder, f"{NAME} has SHA-256 {manifest.sha256}, not the expected {expected_sha256}"
        )
    for entry in manifest.files:
        try:
            size, sha256 = hash_file(folder / entry.path)
        except OSError as error:
            raise _broken(folder, f"{entry.path} cannot be read: {error.strerror}") from error
        if size != entry.size or sha256 != entry.sha256:
            raise _broken(folder, f"{entry.path} does not have the size and hash of {NAME}")
    return manifest
