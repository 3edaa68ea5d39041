"""Metric points: a ring in memory for the live stream, all of them in metrics.jsonl."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from kriptik_trainer.timestamps import to_rfc3339

RING = 10_000
Point = dict[str, Any]


def finite(value: float | None) -> float | None:
    """JSON has no NaN or infinity."""
    return None if value is None or not math.isfinite(value) else float(value)


class Metrics:
    """Numbers points across attempts. `n` only grows; a point is in the file before it is served."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._ring: deque[Point] = deque(maxlen=RING)
        self._next = 1
        self._file: FileIO | None = None
        self._torn = False
        self.write_error: str | None = None
        self.stage: str | None = None
        """Name of the stage that trains, in each of its points."""
        self._load()

    def _load(self) -> None:
        """Takes up an earlier attempt's points; the torn last line of a killed one is cut off."""
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            self._path.write_bytes(whole)
        for line in whole.splitlines()[-RING:]:
            try:
                point = json.loads(line)
                number = int(point["n"])
            except (ValueError, KeyError, TypeError):
                continue
            self._ring.append(point)
            self._next = max(self._next, number + 1)

    def add(
        self,
        step: int,
        loss: float | None,
        learning_rate: float | None,
        grad_norm: float | None,
        tokens_per_second: float | None,
        data_wait_share: float | None = None,
    ) -> Point:
        """Records a point. A disk that does not take it costs the history, not the run."""
        with self._lock:
            return self._append(
                step,
                {
                    "loss": finite(loss),
                    "learningRate": finite(learning_rate),
                    "gradNorm": finite(grad_norm),
                    "tokensPerSecond": finite(tokens_per_second),
                    "dataWaitShare": finite(data_wait_share),
                },
            )

    def _append(self, step: int, figures: Point) -> Point:
        time = to_rfc3339(self._now())
        named = {} if self.stage is None else {"stage": self.stage}
        point: Point = {"n": self._next, "step": step, "time": time, **named, **figures}
        self._next += 1
        try:
            self._write(f"{json.dumps(point)}\n".encode())
        except OSError as error:
            self.write_error = f"metrics.jsonl is incomplete: {error.strerror}"
        self._ring.append(point)
        return point

    def _write(self, line: bytes) -> None:
        """Hands a line to the system at once: a kill of this process loses none. What could not be
        written whole is closed off by the next line, through a file opened anew."""
        line = b"\n" + line if self._torn else line
        left = line
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = FileIO(self._path, "a")
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError:
            self._torn = self._torn or len(left) < len(line)
            file, self._file = self._file, None
            if file is not None:
                with suppress(OSError):
                    file.close()
            raise
        self._torn = False

    def evaluated(self, step: int, figures: dict[str, float]) -> Point:
        """Records figures on held-out rows as a point of its own."""
        point: Point = {
            "loss": None,
            "learningRate": None,
            "gradNorm": None,
            "tokensPerSecond": None,
            "evaluation": {name: finite(value) for name, value in figures.items()},
        }
        with self._lock:
            return self._append(step, point)

    def since(self, number: int, limit: int) -> dict[str, Any]:
        """Points with n > `number`, oldest first, and the number to ask with next."""
        with self._lock:
            points = [point for point in self._ring if point["n"] > number][:limit]
        return {"next": points[-1]["n"] if points else number, "points": points}

    def history(self) -> list[Point]:
        """The points in memory."""
        with self._lock:
            return list(self._ring)
