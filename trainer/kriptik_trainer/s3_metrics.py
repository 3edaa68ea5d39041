"""metrics.jsonl in S3, where nothing can be appended: the tail is put anew, what is full is put aside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.log import log
from kriptik_trainer.s3_client import S3Client
from kriptik_trainer.s3_errors import Absent

SEGMENT_POINTS = 10_000
"""So many points are in one object at most; about 2 MB, which is what one upload of the tail costs."""
EVERY_SECONDS = 30.0
FLUSH_SECONDS = 2.0
TAIL = "metrics.jsonl"
SEGMENTS = "metrics/"


class S3Metrics:
    """Follows the local metrics file that the run appends to."""

    def __init__(
        self, client: S3Client, prefix: str, path: Path, check: Callable[[], None]
    ) -> None:
        self._client = client
        self._prefix = prefix
        self.path = path
        self._check = check
        self._lock = threading.Lock()
        self._offset = 0
        self._sent = -1
        self._stop = threading.Event()

    def take_up(self) -> None:
        """Fetches the tail that earlier attempts left, so that points go on to be numbered."""
        try:
            self.path.write_bytes(self._client.get(self._prefix + TAIL, 64 << 20))
        except Absent:
            self.path.touch()

    def follow(self) -> None:
        """Begins to put the tail from time to time."""
        threading.Thread(target=self._follow, name="metrics", daemon=True).start()

    def _follow(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._flush()

    def flush(self) -> None:
        """Puts what is new, waiting a moment at most. Never raises: the history is not worth a run."""
        thread = threading.Thread(target=self._flush, name="metrics-flush", daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)

    def _flush(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._put()
        except (TrainerError, OSError) as error:
            log(f"metrics.jsonl could not be put into the store: {error}", "WARN")
        finally:
            self._lock.release()

    def _put(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        # A line that is just being written comes with the next one.
        content = content[: content.rfind(b"\n") + 1]
        if not content or self._offset + len(content) == self._sent:
            return
        self._check()
        end = self._offset + len(content)
        while content.count(b"\n") > SEGMENT_POINTS:
            lines = content.splitlines(keepends=True)
            full = b"".join(lines[:SEGMENT_POINTS])
            number = _number(lines[0])
            self._client.put(f"{self._prefix}{SEGMENTS}{number:012d}.jsonl", full)
            content = content[len(full) :]
            self._offset += len(full)
        self._client.put(self._prefix + TAIL, content)
        self._sent = end

    def close(self) -> None:
        """Stops following."""
        self._stop.set()


def _number(line: bytes) -> int:
    try:
        return int(json.loads(line)["n"])
    except (ValueError, KeyError, TypeError):
        return 0
