"""A store in a bucket. Content goes first, is read back, and only then does a manifest publish it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kriptik_trainer import manifest
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.faults import is_disk_full
from kriptik_trainer.log import log
from kriptik_trainer.retention import Candidate, doomed, score_of
from kriptik_trainer.s3_claim import Claim
from kriptik_trainer.s3_client import Entry, Patience, S3Client
from kriptik_trainer.s3_errors import Absent, unreachable
from kriptik_trainer.s3_metrics import S3Metrics
from kriptik_trainer.scratch import Scratch
from kriptik_trainer.store import Found, Stored, step_of
from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.timestamps import to_rfc3339

READ_BACK_BYTES = 4 << 30
"""So many bytes of a save are read back and hashed before its manifest is written, small files first."""
AT_ONCE = 4
ORPHAN_AGE = timedelta(hours=1)
"""Content without a manifest that nobody has added to for so long was given up."""
RESULT_PATIENCE = Patience(connect=2.0, read=3.0, attempts=2)


@dataclass(frozen=True)
class _Folder:
    """What lies below one `step-…/` or `NAME/`, and its key with a slash at the end."""

    key: str
    entries: tuple[Entry, ...]

    @property
    def manifest(self) -> Entry | None:
        return next((one for one in self.entries if one.key == self.key + manifest.NAME), None)

    @property
    def state(self) -> str:
        return "\n".join(f"{one.key} {one.state}" for one in self.entries)


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key prefix without slashes around it) of an s3:// URI. Raises `unsupportedUri`."""
    parts = urlsplit(uri)
    path = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or parts.query or ".." in path.split("/"):
        raise TrainerError(
            "unsupportedUri", f"{uri!r} is not a URI of S3", uri, "Use s3://bucket/prefix."
        )
    return parts.netloc, path


class S3Store:
    """See Store. Nothing that was published is ever written to again.

    Each save goes to a folder with a name of its own. What a kill leaves behind has no manifest, so it
    does not exist for readers, and is removed by a later attempt.
    """

    def __init__(
        self,
        place: StorePlace,
        attempt: str,
        now: Callable[[], float] = time.time,
        patience: Patience | None = None,
    ) -> None:
        bucket, path = split_uri(place.uri)
        self._uri = f"s3://{bucket}/{path}".rstrip("/")
        self._prefix = f"{path}/" if path else ""
        self._attempt = attempt
        self._now = now
        self._client = S3Client(place.s3, bucket, patience)
        self._ends = S3Client(place.s3, bucket, RESULT_PATIENCE)
        self._claim = Claim(self._client, self._prefix, attempt)
        self._scratch = Scratch(place.scratch)
        self._good: dict[str, str] = {}
        """State of each folder of which every byte was compared, as it was then."""
        self._manifests: dict[str, tuple[str, manifest.Manifest | None]] = {}
        self.metrics_path = self._scratch.root / "metrics.jsonl"
        self._metrics = S3Metrics(self._client, self._prefix, self.metrics_path, self._claim.check)

    def acquire(self, patience: float = 10.0) -> None:
        """See JobStore.acquire. Finds out at once what else would show after hours."""
        at = to_rfc3339(self._now())
        self._claim.take(at)
        self._probe()
        self._metrics.take_up()
        self._metrics.follow()
        self._sweep()

    def _probe(self) -> None:
        """Writes, reads, lists and deletes an object. Raises TrainerError."""
        key = f"{self._prefix}attempts/{self._attempt}/probe-{secrets.token_hex(4)}"
        content = secrets.token_bytes(32)
        self._client.put(key, content)
        if self._client.get(key) != content:
            raise unreachable("the store does not give back what was just written", key)
        if not any(entry.key == key for entry in self._client.entries(key)):
            raise unreachable("the store does not list what was just written", key)
        self._client.delete(key)

    # Saving

    def save(
        self,
        kind: str,
        name: str,
        step: int,
        attempt: str,
        write: Callable[[Path], None],
        evaluation: dict[str, Any] | None = None,
    ) -> Stored:
        """See Store.save. Stages the files, uploads them, reads them back, publishes the manifest."""
        # First of all: where the store is away or taken over, training need not wait for the rest.
        self._claim.check()
        staged = self._scratch.folder(f"{kind}-{name}")
        try:
            self._stage(staged, write)
            content, built = manifest.build(
                staged, kind, step, attempt, to_rfc3339(self._now()), evaluation
            )
            key = f"{self._prefix}{kind}s/{name}.{secrets.token_hex(4)}/"
            self._publish(key, staged, content, built)
        finally:
            self._scratch.drop(staged)
        stored = self._stored(key, staged, built)
        if kind == "checkpoint":
            pointer = {"step": step, "uri": stored.uri, "manifestSha256": built.sha256}
            self._point(pointer)
        if kind == "artifact":
            self._drop_older_versions(f"{self._prefix}artifacts/{name}.", key)
        return stored

    def _stage(self, folder: Path, write: Callable[[Path], None]) -> None:
        try:
            write(folder)
        except Exception as error:
            if not is_disk_full(error):
                raise
            raise TrainerError(
                "diskFull",
                "the scratch folder is full; the last verified checkpoint is untouched",
                str(folder),
                "Name a folder on a larger disk as store.scratch.",
                ExitCode.DISK_FULL,
            ) from error

    def _publish(self, key: str, staged: Path, content: bytes, built: manifest.Manifest) -> None:
        try:
            self._each(
                built.files, lambda file: self._client.upload(key + file.path, staged / file.path)
            )
            before = self._folder(key)
            self._compare(key, built, before)
            self._claim.check()
        except BaseException:
            self._give_up(key)
            raise
        # From here on nothing is taken back: a manifest whose answer was lost may still be there, and
        # all that it lists is.
        self._client.put(key + manifest.NAME, content)
        if self._client.get(key + manifest.NAME) != content:
            raise self._corrupt(key + manifest.NAME)
        self._good[key] = self._folder(key).state

    def _compare(self, key: str, built: manifest.Manifest, found: _Folder) -> None:
        """Raises TrainerError `storeCorrupt` unless the store holds what was sent to it."""
        sizes = {entry.key.removeprefix(key): entry.size for entry in found.entries}
        for file in built.files:
            if sizes.get(file.path) != file.size:
                raise self._corrupt(key + file.path)
        left, read = READ_BACK_BYTES, []
        for file in sorted(built.files, key=lambda file: file.size):
            left -= file.size
            if left >= 0:
                read.append(file)
        self._each(read, lambda file: self._read_back(key, file))

    def _read_back(self, key: str, file: manifest.FileEntry) -> None:
        if self._client.read(key + file.path) != (file.size, file.sha256):
            raise self._corrupt(key + file.path)

    def _corrupt(self, key: str) -> TrainerError:
        return TrainerError(
            "storeCorrupt",
            "an object does not read back as it was written; this save was not published",
            self._uri_of(key),
            "Check the service behind the store: it loses or changes what it confirmed to have taken.",
            ExitCode.STORE,
        )

    def _give_up(self, key: str) -> None:
        """Removes what was uploaded of a save that failed, as far as that is possible now."""
        try:
            self._delete(self._folder(key))
        except (TrainerError, Absent, OSError) as error:
            log(f"the rest of a failed save stays for the next attempt to remove: {error}", "WARN")

    def _point(self, pointer: dict[str, Any]) -> None:
        """Moves checkpoints/LATEST: a hint for people and tools, which nothing here relies on."""
        try:
            content = json.dumps(pointer, indent=2).encode()
            self._client.put(f"{self._prefix}checkpoints/LATEST", content)
        except TrainerError as error:
            log(f"checkpoints/LATEST was not moved: {error}", "WARN")

    def _drop_older_versions(self, prefix: str, newest: str) -> None:
        try:
            for folder in self._folders("artifacts/"):
                if folder.key.startswith(prefix) and folder.key != newest:
                    self._delete(folder)
        except TrainerError as error:
            log(f"older versions of an artifact were not removed: {error}", "WARN")

    # Reading

    def verified(self, uri: str, manifest_sha256: str | None) -> Stored:
        """See Store.verified. Downloads to the scratch folder, hashing every byte on its way."""
        bucket, path = split_uri(uri)
        key = f"{path}/"
        # Of this job, or of another one whose folder lies beside this one's.
        beside = self._prefix.rstrip("/").rpartition("/")
        if bucket != self._client.bucket or not key.startswith(f"{beside[0]}{beside[1]}"):
            raise manifest.broken(uri, f"it lies neither in the store {self._uri} nor beside it")
        found = self._folder(key)
        try:
            built = manifest.parse(self._client.get(key + manifest.NAME), uri)
        except Absent as error:
            raise manifest.broken(uri, f"{manifest.NAME} is not there") from error
        if manifest_sha256 is not None and built.sha256 != manifest_sha256:
            raise manifest.broken(
                uri, f"{manifest.NAME} has SHA-256 {built.sha256}, not {manifest_sha256}"
            )
        sizes = {entry.key.removeprefix(key): entry.size for entry in found.entries}
        manifest.refuse_extras(uri, built, sizes)
        for file in built.files:
            if sizes.get(file.path) != file.size:
                raise manifest.broken(uri, f"{file.path} does not have the size of {manifest.NAME}")
        self._scratch.room_for(built.size_bytes, uri)
        folder = self._scratch.folder(f"fetched-{path.rsplit('/', 1)[-1]}")
        self._each(built.files, lambda file: self._fetch(key, file, folder))
        (folder / manifest.NAME).write_bytes(self._client.get(key + manifest.NAME))
        self._good[key] = found.state
        return self._stored(key, folder, built)

    def _fetch(self, key: str, file: manifest.FileEntry, folder: Path) -> None:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("wb") as sink:
                found = self._client.read(key + file.path, sink)
        except Absent as error:
            raise manifest.broken(key, f"{file.path} is not there") from error
        if found != (file.size, file.sha256):
            raise manifest.broken(key, f"{file.path} does not have the hash of {manifest.NAME}")

    def latest(self) -> Found:
        """See Store.latest."""
        problems: list[str] = []
        for folder in self._checkpoints():
            try:
                return Found(self.verified(self._uri_of(folder.key), None), tuple(problems))
            except TrainerError as error:
                if error.code != "checkpointBroken":
                    raise
                problems.append(str(error))
        return Found(None, tuple(problems))

    # Removing

    def rotate(self, keep: int, protect: Collection[str]) -> None:
        """See Store.rotate. One listing tells whether a checkpoint that was compared is still the same."""
        folders = {folder.key: folder for folder in self._checkpoints()}
        candidates = []
        for key, folder in folders.items():
            if folder.manifest is None:
                continue
            read = self._manifest(folder)
            created_at, score = (
                ("", None) if read is None else (read.created_at, score_of(read.evaluation))
            )
            good = self._good.get(key) == folder.state
            candidates.append(Candidate(key, step_of(key) or 0, created_at, good, score))
        protected = [f"{split_uri(uri)[1]}/" for uri in protect]
        for key in doomed(candidates, keep, protected):
            self._claim.check()
            self._delete(folders[key])
            self._good.pop(key, None)

    def _manifest(self, folder: _Folder) -> manifest.Manifest | None:
        """The manifest of a folder, read anew only where its object changed; None where it is unusable."""
        entry = folder.manifest
        if entry is None:
            return None
        known = self._manifests.get(entry.key)
        if known is not None and known[0] == entry.state:
            return known[1]
        try:
            read = manifest.parse(self._client.get(entry.key), folder.key)
        except Absent:
            return None
        except TrainerError as error:
            if error.code != "checkpointBroken":
                raise
            read = None
        self._manifests[entry.key] = (entry.state, read)
        return read

    def make_room(self, protect: Collection[str]) -> None:
        """See JobStore.make_room. Room is short here, not there, so nothing in the bucket may go."""
        self._scratch.clear(self.metrics_path)

    def _delete(self, folder: _Folder) -> None:
        """Manifest first: what is half deleted must not look whole."""
        if folder.manifest is not None:
            self._client.delete(folder.manifest.key)
        self._each(
            [entry for entry in folder.entries if entry != folder.manifest],
            lambda entry: self._client.delete(entry.key),
        )

    def _sweep(self) -> None:
        """Removes what saves that nobody finished left behind. Never fails a run."""
        try:
            limit = self._server_time() - ORPHAN_AGE
            for below in ("checkpoints/", "samples/", "artifacts/"):
                for folder in self._folders(below):
                    newest = max(entry.modified for entry in folder.entries)
                    if folder.manifest is None and newest < limit:
                        self._claim.check()
                        log(f"removing a save that was never finished: {self._uri_of(folder.key)}")
                        self._delete(folder)
            for key, upload, begun in self._client.stale_uploads(self._prefix):
                if begun < limit:
                    self._client.abort(key, upload)
        except (TrainerError, Absent) as error:
            log(f"leftovers were not removed: {error}", "WARN")

    def _server_time(self) -> datetime:
        """The service's clock, by which it stamps objects: that of the claim just put."""
        key = f"{self._prefix}attempts/{self._attempt}/claim.json"
        return next(entry.modified for entry in self._client.entries(key) if entry.key == key)

    # Other things

    def put_result(self, attempt: str, result: dict[str, Any], patience: float = 10.0) -> None:
        """See Store.put_result. Gives up waiting in time: the process has to be gone by its deadline."""
        failure: list[BaseException] = []

        def put() -> None:
            try:
                self._claim.check()
                content = (json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode()
                self._ends.put(f"{self._prefix}attempts/{attempt}/result.json", content)
            except BaseException as error:  # noqa: BLE001 - told in the thread that waits
                failure.append(error)

        thread = threading.Thread(target=put, name="result", daemon=True)
        thread.start()
        thread.join(patience)
        if thread.is_alive():
            raise unreachable(f"result.json was not written within {patience:.1f} s", self._uri)
        if failure:
            raise failure[0]

    def flush(self) -> None:
        """See JobStore.flush."""
        self._metrics.flush()

    def close(self) -> None:
        """See JobStore.close. The claim stays: only a later attempt may write now."""
        self._metrics.close()
        self._scratch.close()

    def _folder(self, key: str) -> _Folder:
        return _Folder(key, tuple(sorted(self._client.entries(key), key=lambda one: one.key)))

    def _folders(self, below: str) -> list[_Folder]:
        start = self._prefix + below
        grouped: dict[str, list[Entry]] = {}
        for entry in self._client.entries(start):
            name, slash, _ = entry.key.removeprefix(start).partition("/")
            if slash:
                grouped.setdefault(f"{start}{name}/", []).append(entry)
        return [
            _Folder(key, tuple(sorted(entries, key=lambda one: one.key)))
            for key, entries in grouped.items()
        ]

    def _checkpoints(self) -> list[_Folder]:
        """Folders of checkpoints, newest step first, of equal steps the one published last."""
        found = [one for one in self._folders("checkpoints/") if step_of(one.key) is not None]

        def age(folder: _Folder) -> tuple[int, str]:
            # The service stamps objects by the second; the manifest knows better which of two is newer.
            read = self._manifest(folder)
            return step_of(folder.key) or 0, "" if read is None else read.created_at

        return sorted(found, key=age, reverse=True)

    def _uri_of(self, key: str) -> str:
        return f"s3://{self._client.bucket}/{key.rstrip('/')}"

    def _stored(self, key: str, path: Path, built: manifest.Manifest) -> Stored:
        return Stored(
            self._uri_of(key), path, built.step, built.sha256, built.size_bytes, built.created_at
        )

    @staticmethod
    def _each(items: Any, do: Callable[[Any], None]) -> None:
        """Does something for all, a few at a time. Raises the first failure."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for done in [pool.submit(do, item) for item in items]:
                    done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
