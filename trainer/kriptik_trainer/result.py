"""How an attempt ends: result.json first, then the exit code, exactly once."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

from kriptik_trainer import PROTOCOL
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.log import log
from kriptik_trainer.peers import Peers
from kriptik_trainer.progress import Progress
from kriptik_trainer.store import JobStore
from kriptik_trainer.termination import path_of, summary, write
from kriptik_trainer.timestamps import to_rfc3339

Outcome = Literal["succeeded", "frozen", "stopped", "failed"]
PATIENCE_SECONDS = 10.0
FLUSH_SECONDS = 5.0
"""With less time left than this the last metrics are not waited for."""
_PHASES = {"succeeded": "finished", "frozen": "frozen", "stopped": "stopped", "failed": "failed"}
_CODES = {
    "succeeded": ExitCode.SUCCEEDED,
    "frozen": ExitCode.FROZEN,
    "stopped": ExitCode.STOPPED,
}


def leave(code: int) -> None:
    """Ends the process without the teardown of its libraries, which takes seconds that cost money."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Ending:
    """The one way out. Training and the watchdog may both come to it; the first one wins."""

    def __init__(
        self,
        progress: Progress,
        store: JobStore,
        attempt: str,
        leave: Callable[[int], None] = leave,
    ) -> None:
        self._progress = progress
        self._store = store
        self._attempt = attempt
        self._leave = leave
        self._lock = threading.Lock()
        self._ended = False
        self._peers: Peers | None = None

    def tell(self, peers: Peers) -> None:
        """Has the other processes end with the same exit code as this one."""
        self._peers = peers

    def _say(self, result: dict[str, Any], code: int) -> None:
        """What can be said without the store, which may take its time."""
        write(path_of(os.environ), summary(result, 0, code))
        if self._peers is not None:
            remaining = self._progress.remaining()
            self._peers.farewell(code, 60.0 if remaining is None else remaining - 0.1)

    def end(self, outcome: Outcome, error: TrainerError | None = None) -> None:
        """Writes the result and leaves. Returns only in a second thread that came too late."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        code = error.exit_code if error is not None else _CODES.get(outcome, ExitCode.INTERNAL)
        self._progress.set(phase=_PHASES[outcome], error=None if error is None else error.to_json())
        status = self._progress.snapshot()
        result: dict[str, Any] = {
            "protocol": PROTOCOL,
            "attempt": self._attempt,
            "outcome": outcome,
            "step": status["step"],
            "totalSteps": status["totalSteps"],
            "checkpoint": status["lastCheckpoint"],
            "artifacts": status["artifacts"],
            "samples": status["samples"],
            "evaluation": status["evaluation"],
            "stages": status["stages"],
            "error": status["error"],
            "lastCheckpointError": status["lastCheckpointError"],
            "finishedAt": to_rfc3339(self._progress.clock.wall()),
        }
        self._say(result, code)
        remaining = self._progress.remaining()
        if remaining is None or remaining > FLUSH_SECONDS:
            self._store.flush()
        patience = PATIENCE_SECONDS if remaining is None else max(0.3, remaining - 0.1)
        try:
            self._store.put_result(self._attempt, result, min(PATIENCE_SECONDS, patience))
        except (OSError, TrainerError) as problem:
            log(f"result.json could not be written: {problem}", "ERROR")
        if error is not None:
            log(str(error), "ERROR")
        log(f"{outcome} at step {status['step']} of {status['totalSteps']}; exit code {code}")
        self._leave(code)
