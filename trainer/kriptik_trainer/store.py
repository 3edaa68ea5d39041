"""Where checkpoints, artifacts and results live. A checkpoint exists only if its manifest verifies."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import unquote, urlsplit

from kriptik_trainer import manifest
from kriptik_trainer.atomic import fsync_path, write_atomically, write_json
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.timestamps import to_rfc3339

STEP_FOLDER = re.compile(r"step-(\d{8})")


@dataclass(frozen=True)
class Stored:
    """A folder in the store that was committed or verified."""

    uri: str
    path: Path
    step: int
    manifest_sha256: str
    size_bytes: int
    created_at: str


class Store(Protocol):
    """What a run needs of a store. Implementations must commit atomically."""

    def save(
        self, kind: str, name: str, step: int, attempt: str, write: Callable[[Path], None]
    ) -> Stored:
        """Lets `write` fill an empty folder and commits it as `<kind>s/<name>`."""

    def verified(self, uri: str, manifest_sha256: str | None) -> Stored:
        """A checkpoint or artifact, every byte compared, readable under `path`."""

    def latest(self) -> Stored | None:
        """The newest checkpoint that verifies."""

    def rotate(self, keep: int, protect: str | None) -> None:
        """Deletes checkpoints but the newest `keep` and the one with URI `protect`."""

    def put_result(self, attempt: str, result: dict[str, Any]) -> None:
        """Writes `attempts/<attempt>/result.json` atomically."""


def path_of(uri: str) -> Path:
    """The path of a file:// URI. Raises TrainerError `unsupportedUri`."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise TrainerError(
            "unsupportedUri",
            f"{uri!r} is not a file URI",
            uri,
            "Name a local path as file:///absolute/path.",
        )
    path = Path(unquote(parts.path))
    if not path.is_absolute():
        raise TrainerError(
            "unsupportedUri", f"{uri!r} is not absolute", uri, "Use file:///absolute/path."
        )
    return path


class FileStore:
    """A store in a local folder.

    Writes go to a temporary folder beside the target, are flushed, then renamed: a kill or a full disk
    leaves what was there before.
    """

    def __init__(self, root: Path, now: Callable[[], float] = time.time) -> None:
        self.root = root
        self._now = now
        self._lock: IO[str] | None = None
        self._known: dict[str, Stored] = {}

    def acquire(self, patience: float = 10.0) -> None:
        """Becomes the only trainer that writes here, then removes what a killed one left behind.

        Raises TrainerError `storeBusy` when another one still writes after `patience` seconds.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        handle = (self.root / ".lock").open("w")
        limit = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= limit:
                    handle.close()
                    raise TrainerError(
                        "storeBusy",
                        "another trainer is writing to this store",
                        str(self.root),
                        "Wait for the other attempt to end; two must never run at a time.",
                    ) from None
                time.sleep(0.1)
        self._lock = handle
        for leftover in self.root.glob("*/.*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)

    def save(
        self, kind: str, name: str, step: int, attempt: str, write: Callable[[Path], None]
    ) -> Stored:
        """See Store.save. An entry of the same name is replaced only once the new one is whole."""
        folder = self.root / f"{kind}s"
        folder.mkdir(parents=True, exist_ok=True)
        final, temporary = folder / name, folder / f".{name}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            write(temporary)
            created_at = to_rfc3339(self._now())
            content, built = manifest.build(temporary, kind, step, attempt, created_at)
            for path in manifest.files_below(temporary):
                fsync_path(path)
            write_atomically(temporary / manifest.NAME, content)
            for path in sorted(temporary.rglob("*")):
                if path.is_dir():
                    fsync_path(path)
            if final.exists():
                retired = folder / f".{name}.old.tmp"
                shutil.rmtree(retired, ignore_errors=True)
                final.rename(retired)
                temporary.rename(final)
                shutil.rmtree(retired, ignore_errors=True)
            else:
                temporary.rename(final)
            fsync_path(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        stored = self._stored(final, built)
        self._known[stored.uri] = stored
        return stored

    def _stored(self, path: Path, built: manifest.Manifest) -> Stored:
        return Stored(
            path.as_uri(), path, built.step, built.sha256, built.size_bytes, built.created_at
        )

    def verified(self, uri: str, manifest_sha256: str | None) -> Stored:
        """See Store.verified."""
        path = path_of(uri)
        return self._stored(path, manifest.verify(path, manifest_sha256))

    def steps(self) -> list[tuple[int, Path]]:
        """(step, folder) of every checkpoint folder, newest first, verified or not."""
        folder = self.root / "checkpoints"
        found = []
        for path in folder.iterdir() if folder.is_dir() else ():
            match = STEP_FOLDER.fullmatch(path.name)
            if match:
                found.append((int(match[1]), path))
        return sorted(found, reverse=True)

    def latest(self) -> Stored | None:
        """See Store.latest."""
        for _, path in self.steps():
            try:
                return self.verified(path.as_uri(), None)
            except TrainerError:
                continue
        return None

    def rotate(self, keep: int, protect: str | None) -> None:
        """See Store.rotate. What this process committed itself is not read again to count it."""
        good = 0
        for _, path in self.steps():
            uri = path.as_uri()
            if good < keep and uri not in self._known:
                try:
                    self._known[uri] = self.verified(uri, None)
                except TrainerError:
                    continue
            good += 1
            if good > keep and uri != protect:
                self._known.pop(uri, None)
                doomed = path.with_name(f".{path.name}.old.tmp")
                path.rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)

    def put_result(self, attempt: str, result: dict[str, Any]) -> None:
        """See Store.put_result."""
        write_json(self.root / "attempts" / attempt / "result.json", result)

    def free_bytes(self) -> int:
        """Room left on the disk of the store."""
        return shutil.disk_usage(self.root).free

    def close(self) -> None:
        """Lets another trainer in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def open_store(uri: str) -> FileStore:
    """The store behind a URI. Raises TrainerError where it is not supported or not writable."""
    root = path_of(uri)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainerError(
            "storeUnwritable",
            f"the store cannot be created: {error.strerror}",
            str(root),
            "Name a folder that this user may write to.",
        ) from error
    if not os.access(root, os.W_OK | os.X_OK):
        raise TrainerError(
            "storeUnwritable",
            "the store cannot be written to",
            str(root),
            "Name a folder that this user may write to.",
        )
    return FileStore(root)
