"""Pictures, clips and sounds that come inside a row, as data sets of the Hub have them.

They are written to files once, named after their content, so that nothing but the rows is held in memory
and the processes of a machine share them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kriptik_trainer.errors import TrainerError

KEPT_SECONDS = 7 * 24 * 3600
"""Files that no run has asked for during so long are removed by the next one."""


def media_folder() -> Path:
    """Where such files are."""
    return Path(tempfile.gettempdir()) / f"kriptik-media-{os.getuid()}"


@cache
def _opened(folder: Path) -> Path:
    """The folder, made, this user's alone, and swept. Raises TrainerError `unsafeFolder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise TrainerError(
            "unsafeFolder",
            "the folder for pictures and sounds of the data belongs to somebody else",
            str(folder),
            "Remove it, or name another folder as TMPDIR.",
        )
    sweep(folder, time.time())
    return folder


def sweep(folder: Path, now: float) -> None:
    """Removes what has not been asked for in a long time."""
    for path in folder.iterdir():
        try:
            if now - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()
        except OSError:
            continue


def is_embedded(value: Any) -> bool:
    """Whether a field holds a file in place of a path."""
    return isinstance(value, bytes | Mapping)


def path_of_embedded(value: Any, suffixes: tuple[str, ...]) -> str | None:
    """The path of a file that holds the bytes of a field, or the path that the field names; None where
    it has neither. `suffixes` are those of the kind; the first one is given to what has no name."""
    content = value if isinstance(value, bytes) else value.get("bytes")
    named = None if isinstance(value, bytes) else value.get("path")
    if not content:
        return named if isinstance(named, str) and named else None
    suffix = Path(named).suffix.lower() if isinstance(named, str) else ""
    name = hashlib.sha256(content).hexdigest() + (suffix if suffix in suffixes else suffixes[0])
    folder = _opened(media_folder())
    path = folder / name
    if path.is_file() and path.stat().st_size == len(content):
        os.utime(path)
        return str(path)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(content)
    draft.replace(path)
    return str(path)
