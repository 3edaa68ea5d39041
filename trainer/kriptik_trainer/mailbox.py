"""Requests for a checkpoint, handed from the control server or a signal to the training loop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

RequestState = Literal["pending", "writing", "done", "failed"]
REMEMBERED = 256


@dataclass
class Request:
    """One request. `reason` ends up in the checkpoint's record."""

    id: str
    stop: bool
    reason: str
    origin: Literal["requested", "signal"]
    state: RequestState = "pending"
    message: str | None = None
    checkpoint: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """The `request` object of the status."""
        return {"id": self.id, "state": self.state, "message": self.message}

    def detail(self) -> dict[str, Any]:
        """The answer of GET /v1/checkpoint/{id}."""
        return {
            "id": self.id,
            "state": self.state,
            "checkpoint": self.checkpoint,
            "message": self.message,
        }


@dataclass
class Mailbox:
    """All requests of this attempt, in order. Thread-safe."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: dict[str, Request] = field(default_factory=dict)

    def submit(
        self, id: str, stop: bool, reason: str, origin: Literal["requested", "signal"]
    ) -> Request:
        """Adds a request; the same id again is the same request."""
        with self._lock:
            known = self._requests.get(id)
            if known is not None:
                return known
            while len(self._requests) >= REMEMBERED:
                self._requests.pop(next(iter(self._requests)))
            request = Request(id, stop, reason, origin)
            self._requests[id] = request
            return request

    def get(self, id: str) -> Request | None:
        """The request with this id."""
        with self._lock:
            return self._requests.get(id)

    def withdraw(self, id: str) -> bool | None:
        """Takes back a request that nobody has begun on; whether that was so, None for no such one.

        It is forgotten, so the same id may be used again.
        """
        with self._lock:
            request = self._requests.get(id)
            if request is None:
                return None
            if request.state != "pending":
                return False
            del self._requests[id]
            return True

    def take(self) -> list[Request]:
        """The requests that wait, which can no longer be withdrawn: what follows is decided for them."""
        with self._lock:
            waiting = [r for r in self._requests.values() if r.state in ("pending", "writing")]
            for request in waiting:
                request.state = "writing"
            return waiting

    def last(self) -> Request | None:
        """The newest request."""
        with self._lock:
            return next(reversed(self._requests.values()), None)

    def waiting(self) -> list[Request]:
        """Requests that no checkpoint has answered yet, oldest first."""
        with self._lock:
            return [r for r in self._requests.values() if r.state in ("pending", "writing")]

    def settle(
        self, requests: list[Request], checkpoint: dict[str, Any] | None, failure: str | None = None
    ) -> None:
        """Answers requests with a checkpoint, or with why there is none.

        The caller names them: one that came in while the checkpoint was being written may ask for a stop
        that nobody has decided on yet, and has to wait for the next.
        """
        with self._lock:
            for request in requests:
                request.checkpoint = checkpoint
                request.message = failure
                request.state = "failed" if failure is not None else "done"
