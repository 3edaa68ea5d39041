"""Threads that look after the other processes of a run, beside the watchdog of the deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.log import log
from kriptik_trainer.peers import PULSE_SECONDS, Peers, Presence
from kriptik_trainer.progress import Progress
from kriptik_trainer.world import lost

SECOND_THOUGHT_SECONDS = 1.0
"""A process that was left by another tells of it at once; the other's own word may come later."""


class LeaderWatch:
    """In the leader: shows the time left, takes up signals, and sees when a process is gone."""

    def __init__(
        self, peers: Peers, progress: Progress, fail: Callable[[TrainerError], None]
    ) -> None:
        self._peers = peers
        self._progress = progress
        self._fail = fail
        self._presence = Presence(list(range(1, peers.world.size)))

    def start(self) -> None:
        """Begins to watch."""
        threading.Thread(target=self._watch, name="peers", daemon=True).start()

    def look(self, beat: int) -> TrainerError | None:
        """One look; the error with which the run has to end, or None."""
        peers = self._peers
        peers.show(self._progress.remaining(), beat)
        name = peers.signalled()
        if name is not None:
            self._progress.mailbox.submit(f"signal-{name}", True, name, "signal")
        for rank in range(1, peers.world.size):
            shown = peers.seen(rank)
            self._presence.note(rank, None if shown is None else shown["beat"], time.monotonic())
        silent = self._presence.gone(time.monotonic())
        if silent:
            return lost(f"process {', '.join(map(str, silent))} has been silent for too long")
        error = peers.failure(0)
        if error is not None and error.code == "peerLost":
            return peers.failure(SECOND_THOUGHT_SECONDS)
        return error

    def _watch(self) -> None:
        beat = 0
        while True:
            beat += 1
            try:
                error = self.look(beat)
            except RuntimeError as problem:
                error = lost(f"the store of the processes has failed: {problem}")
            if error is not None:
                self._fail(error)
                return
            time.sleep(PULSE_SECONDS)


class FollowerWatch:
    """In the others: keeps the deadline, hears the leader's last word, and sees when it is gone."""

    def __init__(
        self, progress: Progress, leave: Callable[[int, TrainerError | None], None]
    ) -> None:
        self._progress = progress
        self._leave = leave
        self._presence = Presence([0])
        self.peers: Peers | None = None
        """Once the leader was reached."""
        self.signal: str | None = None
        """The name of a signal that this process has had."""

    def start(self) -> None:
        """Begins to watch."""
        threading.Thread(target=self._watch, name="peers", daemon=True).start()

    def look(self, beat: int) -> tuple[int, TrainerError | None] | None:
        """One look; how this process has to end now, or None."""
        remaining = self._progress.remaining()
        if remaining is not None and remaining <= 0:
            return ExitCode.FROZEN, None
        peers = self.peers
        if peers is None:
            # There is nothing to save yet, and nobody to ask.
            return None if self.signal is None else (ExitCode.FROZEN, None)
        try:
            code = peers.heard()
            if code is not None:
                return code, None
            if self.signal is not None:
                peers.signal(self.signal)
            peers.show(None, beat)
            shown = peers.seen(0)
        except RuntimeError as problem:
            error = lost(f"the first process of the run is gone: {str(problem).splitlines()[0]}")
            return error.exit_code, error
        if shown is not None:
            self._presence.note(0, shown["beat"], time.monotonic())
            self._progress.set_deadline(None, shown["remaining"])
        if self._presence.gone(time.monotonic()):
            error = lost("the first process of the run has been silent for too long")
            return error.exit_code, error
        return None

    def _watch(self) -> None:
        beat = 0
        while True:
            beat += 1
            verdict = self.look(beat)
            if verdict is not None:
                log(f"ending now with exit code {verdict[0]}")
                self._leave(*verdict)
                return
            time.sleep(PULSE_SECONDS)
