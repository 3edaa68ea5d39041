"""The state of a run that the control server shows, shared between threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from kriptik_trainer import PROTOCOL
from kriptik_trainer.deadline import Deadline, Pace
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.host import device_memory, host_memory
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import finite
from kriptik_trainer.nvml import device_busy
from kriptik_trainer.store import Stored
from kriptik_trainer.timestamps import to_rfc3339

Phase = Literal[
    "starting",
    "preparing",
    "training",
    "checkpointing",
    "exporting",
    "finished",
    "frozen",
    "stopped",
    "failed",
]
Reason = Literal["periodic", "requested", "deadline", "signal", "final"]
WINDOW = 20
"""Steps over which speeds are averaged."""
LOOK_SECONDS = 1.0
"""From one look at memory and the GPU to the next: the kernel takes a millisecond to add up a container's
memory, and a driver tells of no less than a sixth of a second."""


@dataclass(frozen=True)
class Clock:
    """Both clocks, in seconds; tests pass their own."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


def checkpoint_json(
    stored: Stored, reason: Reason, seconds: float, stage: str | None = None
) -> dict[str, Any]:
    """The protocol's checkpoint object; `seconds` is how long it took to write and verify."""
    return {
        **({} if stage is None else {"stage": stage}),
        "step": stored.step,
        "uri": stored.uri,
        "manifestSha256": stored.manifest_sha256,
        "sizeBytes": stored.size_bytes,
        "createdAt": stored.created_at,
        "reason": reason,
        "seconds": round(seconds, 3),
    }


def _mean(values: deque[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


class Progress:
    """What is known about the run now. Every method is safe to call from any thread."""

    def __init__(self, job: str, attempt: str, mailbox: Mailbox, clock: Clock) -> None:
        self.clock = clock
        self.mailbox = mailbox
        self._lock = threading.RLock()
        now = to_rfc3339(clock.wall())
        self._status: dict[str, Any] = {
            "protocol": PROTOCOL,
            "job": job,
            "attempt": attempt,
            "phase": "starting",
            "startedAt": now,
            "updatedAt": now,
            "step": 0,
            "totalSteps": None,
            "epoch": None,
            "loss": None,
            "learningRate": None,
            "samplesPerSecond": None,
            "tokensPerSecond": None,
            "etaSeconds": None,
            "secondsPerStep": None,
            "lastProgressAt": None,
            "dataWaitShare": None,
            "gpuBusyShare": None,
            "gradNorm": None,
            "nonFinite": None,
            "memory": None,
            "hostMemory": None,
            "deadline": None,
            "deadlineSeconds": None,
            "checkpointSeconds": None,
            "lastCheckpoint": None,
            "lastCheckpointError": None,
            "stepsSinceCheckpoint": 0,
            "request": None,
            "device": {"type": "cpu", "name": "unknown", "count": 0},
            "world": {"size": 1, "nodes": 1},
            "evaluation": None,
            "stage": None,
            "stages": [],
            "samples": [],
            "artifacts": [],
            "error": None,
            "warnings": [],
        }
        self._deadline: Deadline | None = None
        self._began = (clock.wall(), clock.monotonic())
        self._steps: deque[float] = deque(maxlen=WINDOW)
        self._waits: deque[float] = deque(maxlen=WINDOW)
        self._busy: deque[float] = deque(maxlen=WINDOW)
        self._looked: float | None = None
        self._worst_checkpoint: float | None = None
        self._moved = clock.monotonic()
        self.state_bytes = 0

    def snapshot(self) -> dict[str, Any]:
        """The answer of GET /v1/status."""
        with self._lock:
            last = self.mailbox.last()
            remaining = self.remaining()
            checkpoint = self._status["lastCheckpoint"]
            saved = 0 if checkpoint is None else checkpoint["step"]
            return {
                **self._status,
                "deadlineSeconds": None if remaining is None else round(remaining, 3),
                "stepsSinceCheckpoint": max(0, self._status["step"] - saved),
                "request": None if last is None else last.summary(),
                "artifacts": list(self._status["artifacts"]),
                "stages": list(self._status["stages"]),
                "warnings": list(self._status["warnings"]),
            }

    def set(self, **fields: Any) -> None:
        """Changes status fields by their protocol names."""
        with self._lock:
            self._status.update(fields)
            if "phase" in fields:
                self._moved = self.clock.monotonic()
            self._status["updatedAt"] = to_rfc3339(self.clock.wall())

    def get(self, name: str) -> Any:
        """One status field."""
        with self._lock:
            return self._status[name]

    def warn(self, text: str) -> None:
        """Adds a warning once."""
        with self._lock:
            if text not in self._status["warnings"]:
                self._status["warnings"].append(text)

    def set_deadline(self, wall: float | None, within: float | None = None) -> str | None:
        """Takes a deadline in seconds since the epoch, or `within` seconds, whichever is earlier, or
        none; returns it as text."""
        with self._lock:
            now = self.clock.wall()
            self._deadline = Deadline.at(wall, now, self.clock.monotonic(), within)
            given = [] if wall is None else [wall]
            given += [] if within is None else [now + within]
            text = to_rfc3339(min(given)) if given else None
            self.set(deadline=text)
            return text

    def remaining(self) -> float | None:
        """Seconds to the deadline, None without one."""
        with self._lock:
            if self._deadline is None:
                return None
            return self._deadline.remaining(self.clock.wall(), self.clock.monotonic())

    def pace(self) -> Pace:
        """What was measured so far."""
        with self._lock:
            worst_step = max(self._steps, default=None)
            return Pace(self._worst_checkpoint, worst_step, self.state_bytes)

    def _steady_now(self) -> float:
        """The time of day, carried on from the start by the clock that nobody sets."""
        wall, monotonic = self._began
        return wall + (self.clock.monotonic() - monotonic)

    def step_done(
        self, step: int, epoch: float, seconds: float, samples: int, waited: float = 0.0
    ) -> None:
        """Records a finished optimizer step that took `seconds`, `waited` of them for data."""
        with self._lock:
            self._moved = self.clock.monotonic()
            self._steps.append(seconds)
            self._waits.append(waited)
            self._look()
            spent = sum(self._steps)
            mean = spent / len(self._steps)
            total = self._status["totalSteps"]
            self.set(
                step=step,
                epoch=round(epoch, 4),
                secondsPerStep=round(mean, 4),
                samplesPerSecond=round(samples / mean, 4) if mean > 0 else None,
                etaSeconds=None if total is None else round(max(0, total - step) * mean, 1),
                lastProgressAt=to_rfc3339(self._steady_now()),
                dataWaitShare=round(sum(self._waits) / spent, 4) if spent > 0 else None,
            )

    def _look(self) -> None:
        """Notes memory in use and how busy the GPU is, where the last look is long enough ago."""
        now = self.clock.monotonic()
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        busy, host = device_busy(), host_memory()
        if busy is not None:
            self._busy.append(busy)
        self._status.update(
            gpuBusyShare=_mean(self._busy), memory=device_memory() or host, hostMemory=host
        )

    def moved(self) -> None:
        """Something other than a step was done between two of them."""
        with self._lock:
            self._moved = self.clock.monotonic()

    def still_for(self) -> float:
        """Seconds since the last step, or since the phase began."""
        with self._lock:
            return self.clock.monotonic() - self._moved

    def data_wait_share(self) -> float | None:
        """The share of the last steps' time that went into waiting for data."""
        value: float | None = self.get("dataWaitShare")
        return value

    def not_finite(self, step: int, what: Literal["loss", "gradNorm"]) -> None:
        """Counts a step whose loss or gradient was no number."""
        with self._lock:
            known = self._status["nonFinite"] or {"steps": 0}
            self.set(nonFinite={"steps": known["steps"] + 1, "lastStep": step, "what": what})

    def checkpoint_failed(self, problem: TrainerError, step: int) -> None:
        """Records why the checkpoint of a step could not be stored."""
        self.set(
            lastCheckpointError={
                "code": problem.code,
                "message": problem.message,
                "step": step,
                "at": to_rfc3339(self.clock.wall()),
            }
        )

    def logged(
        self,
        loss: float | None,
        rate: float | None,
        tokens: float | None,
        norm: float | None = None,
    ) -> None:
        """Records the newest loss, learning rate, tokens per second and gradient norm."""
        self.set(
            loss=finite(loss),
            learningRate=finite(rate),
            tokensPerSecond=finite(tokens),
            gradNorm=finite(norm),
        )

    def checkpoint_took(self, seconds: float) -> None:
        """Records the time of a checkpoint; the worst one counts."""
        with self._lock:
            self._worst_checkpoint = max(self._worst_checkpoint or 0.0, seconds)
            self.set(checkpointSeconds=round(self._worst_checkpoint, 3))
