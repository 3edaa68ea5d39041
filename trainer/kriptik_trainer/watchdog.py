"""A thread that ends the process when training cannot do it in time."""

from __future__ import annotations

import faulthandler
import threading

from kriptik_trainer.deadline import FIXED_MARGIN_SECONDS, must_end
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.log import log
from kriptik_trainer.progress import Progress
from kriptik_trainer.result import Ending, Outcome

TICK_SECONDS = 0.1


class Watchdog:
    """Looks ten times a second.

    While the model loads or results are exported there is nothing to save, so a stop takes effect at
    once. While steps run, the loop itself stops; the watchdog only enforces the deadline when a step or
    a checkpoint takes longer than it ever did before.
    """

    def __init__(self, progress: Progress, ending: Ending, hung_after: float | None = None) -> None:
        """`hung_after` seconds without a step while training, the run ends by itself; None: never."""
        self._progress = progress
        self._ending = ending
        self._hung_after = hung_after
        self._abort = threading.Event()

    def abort(self) -> None:
        """Ends the attempt now, nothing saved (POST /v1/stop with checkpoint false)."""
        self._abort.set()

    def start(self) -> None:
        """Begins to watch."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def hung(self) -> TrainerError | None:
        """The error of a run that has made no step for too long."""
        still = self._progress.still_for()
        if self._hung_after is None or self._progress.get("phase") != "training":
            return None
        if still <= self._hung_after:
            return None
        return TrainerError(
            "hung",
            f"no step was finished for {still:.0f} s",
            "hungAfterSeconds",
            "Resume from the last checkpoint; where it happens again, the log has the stacks.",
            ExitCode.LOST,
        )

    def verdict(self) -> Outcome | None:
        """How the attempt has to end now, or None."""
        if self._abort.is_set():
            return "stopped"
        remaining = self._progress.remaining()
        if must_end(remaining):
            return "frozen"
        if self._progress.get("phase") not in ("starting", "preparing", "exporting"):
            return None
        stops = [request for request in self._progress.mailbox.waiting() if request.stop]
        if stops:
            return "frozen" if stops[0].origin == "signal" else "stopped"
        if remaining is not None and remaining <= FIXED_MARGIN_SECONDS:
            return "frozen"
        return None

    def _watch(self) -> None:
        while (outcome := self.verdict()) is None:
            error = self.hung()
            if error is not None:
                faulthandler.dump_traceback(all_threads=True)
                self._ending.end("failed", error)
                return
            self._abort.wait(TICK_SECONDS)
        log(f"ending now: {outcome}")
        last = self._progress.get("lastCheckpoint")
        failure = None if last else "there was nothing to save yet"
        mailbox = self._progress.mailbox
        mailbox.settle(mailbox.waiting(), last, failure)
        # Lets the answer of the request that asked for this go out.
        threading.Event().wait(TICK_SECONDS)
        self._ending.end(outcome)
