"""A store in a folder: of this machine, or of a claim that is mounted."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote, unquote

from kriptik_trainer import manifest
from kriptik_trainer.atomic import fsync_path, write_atomically, write_json
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.retention import Candidate, Score, doomed, score_of
from kriptik_trainer.store import Found, Stored, path_of, step_of
from kriptik_trainer.timestamps import to_rfc3339

_RETIRED = ".old.tmp"


class FileStore:
    """See Store.

    Writes go to a temporary folder beside the target, are flushed, then renamed: a kill or a full disk
    leaves what was there before.
    """

    def __init__(
        self, root: Path, now: Callable[[], float] = time.time, uri: str | None = None
    ) -> None:
        self.root = root
        self.metrics_path = root / "metrics.jsonl"
        self._uri = (root.absolute().as_uri() if uri is None else uri).rstrip("/")
        self._now = now
        self._lock: IO[str] | None = None
        self._known: dict[Path, tuple[str, Score | None]] = {}

    def acquire(self, patience: float = 10.0) -> None:
        """See JobStore.acquire. Waits `patience` seconds for another trainer to let go."""
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
        for retired in self.root.glob(f"*/.*{_RETIRED}"):
            self._restore(retired)
        for leftover in self.root.glob("*/.*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)

    @staticmethod
    def _restore(retired: Path) -> None:
        """Takes back what was moved aside for a successor that a kill kept from coming."""
        final = retired.with_name(retired.name.removeprefix(".").removesuffix(_RETIRED))
        if final.exists():
            return
        with suppress(TrainerError):
            manifest.verify(retired)
            retired.rename(final)

    def save(
        self,
        kind: str,
        name: str,
        step: int,
        attempt: str,
        write: Callable[[Path], None],
        evaluation: dict[str, Any] | None = None,
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
            content, built = manifest.build(temporary, kind, step, attempt, created_at, evaluation)
            for path in manifest.files_below(temporary):
                fsync_path(path)
            write_atomically(temporary / manifest.NAME, content)
            for path in sorted(temporary.rglob("*")):
                if path.is_dir():
                    fsync_path(path)
            if final.exists():
                retired = folder / f".{name}{_RETIRED}"
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
        self._known[final] = (_state(final), score_of(built.evaluation))
        return self._stored(final, built)

    def _stored(self, path: Path, built: manifest.Manifest) -> Stored:
        return Stored(
            self._uri_of(path), path, built.step, built.sha256, built.size_bytes, built.created_at
        )

    def _places(self) -> list[tuple[str, Path]]:
        """(URI, folder) of this job's store, and of that which the other jobs have theirs in."""
        return [(self._uri, self.root), (self._uri.rpartition("/")[0], self.root.parent)]

    def _uri_of(self, path: Path) -> str:
        for uri, root in self._places():
            if path.is_relative_to(root):
                return f"{uri}/{quote(path.relative_to(root).as_posix())}"
        return path.as_uri()

    def _path_of(self, uri: str) -> Path:
        for place, root in self._places():
            inside = PurePosixPath(unquote(uri.removeprefix(f"{place}/")))
            if uri.startswith(f"{place}/") and ".." not in inside.parts:
                return root / inside
        return path_of(uri)

    def verified(self, uri: str, manifest_sha256: str | None) -> Stored:
        """See Store.verified."""
        path = self._path_of(uri)
        before = _state(path)
        built = manifest.verify(path, manifest_sha256)
        self._known[path] = (before, score_of(built.evaluation))
        return self._stored(path, built)

    def steps(self) -> list[tuple[int, Path]]:
        """(step, folder) of every checkpoint folder, newest first, verified or not."""
        folder = self.root / "checkpoints"
        found = []
        for path in folder.iterdir() if folder.is_dir() else ():
            step = step_of(path.name)
            if step is not None:
                found.append((step, path))
        return sorted(found, reverse=True)

    def latest(self) -> Found:
        """See Store.latest."""
        problems: list[str] = []
        for _, path in self.steps():
            try:
                return Found(self.verified(self._uri_of(path), None), tuple(problems))
            except TrainerError as error:
                problems.append(str(error))
        return Found(None, tuple(problems))

    def rotate(self, keep: int, protect: Collection[str]) -> None:
        """See Store.rotate. What was compared once is only looked at again where it changed."""
        candidates, good = [], 0
        for step, path in self.steps():
            state = _state(path)
            if self._known.get(path, ("", None))[0] != state and good < keep:
                with suppress(TrainerError):
                    self.verified(self._uri_of(path), None)
            known, score = self._known.get(path, ("", None))
            same = known == state
            good += same
            candidates.append(Candidate(str(path), step, "", same, score if same else _score(path)))
        protected = [str(self._path_of(uri)) for uri in protect]
        for key in doomed(candidates, keep, protected):
            path = Path(key)
            self._known.pop(path, None)
            aside = path.with_name(f".{path.name}{_RETIRED}")
            path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)

    def make_room(self, protect: Collection[str]) -> None:
        """See Store.make_room."""
        self.rotate(1, protect)

    def put_result(self, attempt: str, result: dict[str, Any], patience: float = 10.0) -> None:
        """See Store.put_result. A folder answers or fails by itself."""
        write_json(self.root / "attempts" / attempt / "result.json", result)

    def flush(self) -> None:
        """See JobStore.flush: readers see each line as it is appended."""

    def close(self) -> None:
        """See JobStore.close."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _state(folder: Path) -> str:
    """A text that changes whenever a file below was replaced, resized or rewritten."""
    parts = []
    for path in sorted(folder.rglob("*")):
        with suppress(OSError):
            if not path.is_dir():
                info = path.lstat()
                stamp = f"{info.st_size}:{info.st_mtime_ns}:{info.st_ino}"
                parts.append(f"{path.relative_to(folder)}:{stamp}")
    return "\n".join(parts)


def _score(folder: Path) -> Score | None:
    try:
        content = (folder / manifest.NAME).read_bytes()
        return score_of(manifest.parse(content, folder).evaluation)
    except (OSError, TrainerError):
        return None
