"""MANIFEST.json: the list of files with sizes and hashes that makes a folder a checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
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
    evaluation: dict[str, Any] | None = None
    """`metric`, `value` and `better` on held-out rows at exactly this step, and `stage` in a run of
    several; None where not measured."""

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
    folder: Path,
    kind: str,
    step: int,
    attempt: str,
    created_at: str,
    evaluation: dict[str, Any] | None = None,
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
        **({} if evaluation is None else {"evaluation": evaluation}),
        "files": [vars(entry) for entry in entries],
    }
    content = (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(content).hexdigest()
    return content, Manifest(kind, step, attempt, created_at, tuple(entries), digest, evaluation)


def broken(folder: Path | str, problem: str) -> TrainerError:
    """The error for a checkpoint or artifact that must not be relied on."""
    return TrainerError(
        "checkpointBroken",
        problem,
        str(folder),
        "Use another checkpoint; this one was never completed or was changed afterwards.",
    )


def parse(content: bytes, folder: Path | str) -> Manifest:
    """Decodes a manifest. Raises TrainerError `checkpointBroken`; file hashes are not looked at."""
    try:
        value: Any = json.loads(content)
        if value["format"] != FORMAT:
            raise broken(folder, f"{NAME} has format {value['format']}; known: {FORMAT}")
        files = tuple(FileEntry(f["path"], int(f["size"]), f["sha256"]) for f in value["files"])
        manifest = Manifest(
            str(value["kind"]),
            int(value["step"]),
            str(value["attempt"]),
            str(value["createdAt"]),
            files,
            hashlib.sha256(content).hexdigest(),
            value["evaluation"] if isinstance(value.get("evaluation"), dict) else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise broken(folder, f"{NAME} cannot be understood: {error!r}") from error
    for entry in manifest.files:
        path = PurePosixPath(entry.path)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.path:
            raise broken(folder, f"{NAME} names {entry.path!r}, which is outside its folder")
    if len({entry.path for entry in manifest.files}) != len(manifest.files):
        raise broken(folder, f"{NAME} names a file twice")
    return manifest


def refuse_extras(folder: Path | str, manifest: Manifest, present: Iterable[str]) -> None:
    """Raises TrainerError `checkpointBroken` for a file that the manifest does not vouch for.

    A library may load any file that it finds in a checkpoint, so one that was put there afterwards is
    as bad as one that was changed.
    """
    listed = {entry.path for entry in manifest.files}
    extra = sorted(set(present) - listed - {NAME})
    if extra:
        raise broken(folder, f"{extra[0]} is not in {NAME}")


def verify(folder: Path, expected_sha256: str | None = None) -> Manifest:
    """Reads every file back and compares. Raises TrainerError `checkpointBroken`.

    With `expected_sha256` the manifest itself must be that very one.
    """
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise broken(folder, f"{NAME} cannot be read: {error.strerror}") from error
    manifest = parse(content, folder)
    if expected_sha256 is not None and manifest.sha256 != expected_sha256:
        raise broken(
            folder, f"{NAME} has SHA-256 {manifest.sha256}, not the expected {expected_sha256}"
        )
    present = (path.relative_to(folder).as_posix() for path in files_below(folder))
    refuse_extras(folder, manifest, present)
    for entry in manifest.files:
        if (folder / entry.path).is_symlink():
            raise broken(folder, f"{entry.path} is a link, which was never saved here")
        try:
            size, sha256 = hash_file(folder / entry.path)
        except OSError as error:
            raise broken(folder, f"{entry.path} cannot be read: {error.strerror}") from error
        if size != entry.size or sha256 != entry.sha256:
            raise broken(folder, f"{entry.path} does not have the size and hash of {NAME}")
    return manifest
