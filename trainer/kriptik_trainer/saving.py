"""Committing a checkpoint to a store that may be full, or out of reach for a while."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kriptik_trainer.deadline import checkpoint_seconds
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.faults import classify, is_disk_full
from kriptik_trainer.log import log
from kriptik_trainer.progress import Progress, Reason
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Store, Stored

PATIENCE: dict[Reason, float] = {
    "final": 600.0,
    "requested": 60.0,
    "deadline": 60.0,
    "signal": 20.0,
}
"""Seconds to go on trying where the run ends with this checkpoint; between steps the next try is later."""
PAUSE_SECONDS = 5.0
FIRST_RETRY_SECONDS = 30.0
LONGEST_RETRY_SECONDS = 300.0


def may_pass(problem: TrainerError) -> bool:
    """Whether a store may take the next checkpoint although it has refused this one: networks come
    back, and keys and permissions are put right. Another writer of the same store does not go."""
    return problem.code.startswith("store") and problem.code != "storeBusy"


class Saver:
    """Saves checkpoints of one attempt, and says what became of it."""

    def __init__(
        self,
        spec: Spec,
        progress: Progress,
        store: Store,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._spec = spec
        self._progress = progress
        self._store = store
        self._sleep = sleep
        self._resumed = () if spec.resume is None else (spec.resume.uri,)
        self._sound: list[str] = []
        """The two newest checkpoints at which the loss was lower than at any before."""
        self._lowest = math.inf
        self._retry_after = FIRST_RETRY_SECONDS
        self._retry_at: float | None = None

    def due(self) -> bool:
        """Whether a checkpoint that failed is to be tried again."""
        return self._retry_at is not None and self._now() >= self._retry_at

    @property
    def _protect(self) -> tuple[str, ...]:
        return (*self._resumed, *self._sound)

    def note(self, uri: str, loss: float | None) -> None:
        """Tells the mean loss of the steps before a checkpoint, None where it says nothing.

        Once a loss goes wrong for good, what is saved later is of no use, and it takes a while until people
        have seen it: then what was saved before is still there to go on from.
        """
        if loss is not None and loss < self._lowest:
            self._lowest = loss
            self._sound = [*self._sound[-1:], uri]

    def _now(self) -> float:
        return self._progress.clock.monotonic()

    def save(
        self,
        step: int,
        reason: Reason,
        ends: bool,
        write: Callable[[Path], None],
        evaluation: dict[str, Any] | None,
    ) -> Stored | TrainerError:
        """Commits a checkpoint. `ends` where the run is over with it: then it is tried for longer.

        Returns the error where the store may be back later and training may go on without. Raises what
        else went wrong, and the error of a final checkpoint that could not be stored.
        """
        limit = self._now() + (PATIENCE.get(reason, 0.0) if ends else 0.0)
        while True:
            try:
                stored = self._commit(step, write, evaluation)
            except Exception as error:
                problem = classify(error, self._spec.store.uri)
                if not may_pass(problem):
                    raise
                if self._now() + PAUSE_SECONDS >= limit or not self._time_for_another():
                    self._failed(problem, step)
                    if reason == "final":
                        raise problem from error
                    return problem
                log(f"{problem} Trying again.", "WARN")
                self._sleep(PAUSE_SECONDS)
            else:
                self._retry_at, self._retry_after = None, FIRST_RETRY_SECONDS
                return stored

    def _commit(
        self, step: int, write: Callable[[Path], None], evaluation: dict[str, Any] | None
    ) -> Stored:
        """A full disk is tried once more after the older checkpoints are gone."""
        name, attempt = f"step-{step:08d}", self._spec.attempt
        try:
            return self._store.save("checkpoint", name, step, attempt, write, evaluation)
        except Exception as error:
            if not is_disk_full(error):
                raise
            log("the disk is full; removing older checkpoints and trying once more", "WARN")
            self._store.make_room(self._protect)
            return self._store.save("checkpoint", name, step, attempt, write, evaluation)

    def _time_for_another(self) -> bool:
        remaining = self._progress.remaining()
        return remaining is None or remaining - PAUSE_SECONDS > checkpoint_seconds(
            self._progress.pace()
        )

    def _failed(self, problem: TrainerError, step: int) -> None:
        self._retry_at = self._now() + self._retry_after
        self._retry_after = min(2 * self._retry_after, LONGEST_RETRY_SECONDS)
        self._progress.checkpoint_failed(problem, step)
        log(f"no checkpoint of step {step}: {problem}", "ERROR")

    def tidy(self) -> None:
        """Removes checkpoints that are no longer needed. One too many is no reason to stop."""
        try:
            self._store.rotate(self._spec.store.keep_last, self._protect)
        except (TrainerError, OSError) as error:
            log(f"older checkpoints could not be removed: {error}", "WARN")
