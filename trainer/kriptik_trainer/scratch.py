"""A local folder of one process for what is on its way to or from a store."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

from kriptik_trainer.errors import ExitCode, TrainerError

_PREFIX = "kriptik-store-"
_YOUNG_SECONDS = 60
LEAST_FREE = 64 << 20
"""Less room than this on the scratch disk, in bytes, is too little to begin with."""


class Scratch:
    """Made at once, removed when it is closed; those of killed processes are removed on the way."""

    def __init__(self, base: Path | None) -> None:
        parent = base or Path(tempfile.gettempdir())
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self.sweep(parent)
            self.root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock: IO[str] | None = (self.root / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            self._refuse_full()
        except OSError as error:
            raise TrainerError(
                "storeUnwritable",
                f"the scratch folder of the store cannot be used: {error.strerror}",
                str(parent),
                "Name a folder with room for two checkpoints as store.scratch.",
            ) from error

    def _refuse_full(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < LEAST_FREE:
            raise TrainerError(
                "diskFull",
                f"the scratch folder has {free >> 20} MiB left; a checkpoint is staged there",
                str(self.root),
                "Free some space, or name a folder on a larger disk as store.scratch.",
                ExitCode.DISK_FULL,
            )

    @staticmethod
    def sweep(parent: Path) -> None:
        """Removes the folders of processes that are gone: nobody holds their lock."""
        for path in parent.glob(f"{_PREFIX}*"):
            try:
                # One that was made this moment may not be locked yet.
                if time.time() - path.stat().st_mtime < _YOUNG_SECONDS:
                    continue
                with (path / ".lock").open("r") as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            except OSError:
                continue

    def room_for(self, size: int, what: str) -> None:
        """Raises TrainerError `diskFull` where `size` bytes do not fit."""
        free = shutil.disk_usage(self.root).free
        if free < size:
            raise TrainerError(
                "diskFull",
                f"{what} needs {size >> 20} MiB; the scratch folder has {free >> 20} MiB left",
                str(self.root),
                "Name a folder on a larger disk as store.scratch.",
                ExitCode.DISK_FULL,
            )

    def folder(self, name: str) -> Path:
        """An empty folder."""
        path = self.root / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    @staticmethod
    def drop(path: Path) -> None:
        """Removes a folder, or as much of it as can be."""
        shutil.rmtree(path, ignore_errors=True)

    def clear(self, keep: Path) -> None:
        """Removes all folders; `keep` is a file that stays."""
        for path in self.root.iterdir():
            if path != keep and path.is_dir():
                self.drop(path)

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
