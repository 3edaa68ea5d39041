"""Where checkpoints, artifacts and results live. A checkpoint exists only if its manifest verifies."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from kriptik_trainer.atomic import write_atomically
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.store_place import StorePlace

FOLDER = re.compile(r"step-(\d{8,})(\.[0-9a-f]{8})?")
"""Names of checkpoint folders; those in S3 end with what makes each save's name its own."""


def step_of(path: str) -> int | None:
    """The step that the last part of a path or key is named after."""
    match = FOLDER.fullmatch(path.rstrip("/").rsplit("/", 1)[-1])
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Stored:
    """A folder in the store that was committed or verified."""

    uri: str
    path: Path
    step: int
    manifest_sha256: str
    size_bytes: int
    created_at: str


@dataclass(frozen=True)
class Found:
    """The newest checkpoint that verifies, and why newer ones do not, in words for people."""

    stored: Stored | None
    problems: tuple[str, ...] = ()


class Store(Protocol):
    """What a run needs of a store. Implementations must commit atomically."""

    def save(
        self,
        kind: str,
        name: str,
        step: int,
        attempt: str,
        write: Callable[[Path], None],
        evaluation: dict[str, Any] | None = None,
    ) -> Stored:
        """Lets `write` fill an empty folder and commits it under `<kind>s/`, named after `name`.

        `evaluation` has `metric`, `value` and `better` of held-out rows at exactly this step. The `path`
        of the answer may be gone: `verified` gives one that can be read.
        """

    def verified(self, uri: str, manifest_sha256: str | None) -> Stored:
        """A checkpoint or artifact of this job, or of another one whose folder lies beside this one's, every
        byte compared, readable under `path`. Needs no `acquire`."""

    def latest(self) -> Found:
        """The newest checkpoint that verifies."""

    def rotate(self, keep: int, protect: Collection[str]) -> None:
        """Deletes checkpoints but the newest `keep` good ones, the best and those with URIs in `protect`."""

    def make_room(self, protect: Collection[str]) -> None:
        """Frees what can be freed where a save found no room."""

    def put_result(self, attempt: str, result: dict[str, Any], patience: float = 10.0) -> None:
        """Writes `attempts/<attempt>/result.json` atomically, or raises within `patience` seconds."""


class JobStore(Store, Protocol):
    """A store that one attempt has opened."""

    metrics_path: Path
    """Local file that the points of the run are appended to."""

    def acquire(self, patience: float = 10.0) -> None:
        """Becomes the only trainer that writes here, then removes what a killed one left behind.

        Raises TrainerError `storeBusy` where another one writes, and what else keeps it from writing.
        """

    def flush(self) -> None:
        """Puts the points of the run where readers find them. Never raises."""

    def close(self) -> None:
        """Lets another trainer in."""


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


def path_in_claim(uri: str, mount: Path) -> Path:
    """The path of a pvc://CLAIM/PATH URI whose claim is mounted at `mount`. Raises `unsupportedUri`."""
    parts = urlsplit(uri)
    path = PurePosixPath(unquote(parts.path).lstrip("/"))
    if parts.scheme != "pvc" or not parts.netloc or ".." in path.parts:
        raise TrainerError(
            "unsupportedUri", f"{uri!r} is not a URI of a claim", uri, "Use pvc://CLAIM/PATH."
        )
    return mount / path


def open_store(place: StorePlace, attempt: str) -> JobStore:
    """The store of a job, for one attempt of it. Raises TrainerError where it cannot be used."""
    # Both build on this module.
    from kriptik_trainer.faults import is_disk_full  # noqa: PLC0415
    from kriptik_trainer.store_file import FileStore  # noqa: PLC0415

    scheme = urlsplit(place.uri).scheme
    if scheme == "s3":
        from kriptik_trainer.store_s3 import S3Store  # noqa: PLC0415 - only S3 needs its client

        return S3Store(place, attempt)
    if scheme == "pvc" and place.mount is not None:
        root = path_in_claim(place.uri, place.mount)
    else:
        root = path_of(place.uri)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Asking for permission would not find a full or a read-only disk.
        probe = root / f".probe-{secrets.token_hex(4)}"
        write_atomically(probe, b"probe")
        probe.unlink()
    except OSError as error:
        if is_disk_full(error):
            raise
        raise TrainerError(
            "storeUnwritable",
            f"the store cannot be written to: {error.strerror}",
            str(root),
            "Name a folder that this user may write to.",
        ) from error
    return FileStore(root, uri=place.uri)
