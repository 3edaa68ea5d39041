"""A process of a run that is not its first: it trains along, and leaves deciding and saving to that one."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import NoReturn

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.faults import classify
from kriptik_trainer.log import log
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.peer_watch import FollowerWatch
from kriptik_trainer.peers import Peers
from kriptik_trainer.progress import Clock, Progress
from kriptik_trainer.result import leave
from kriptik_trainer.setup import fetch_model, open_executor, read_rows, refuse_together, split_rows
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Stored, open_store
from kriptik_trainer.takeup import run_file
from kriptik_trainer.termination import path_of, summary, write
from kriptik_trainer.together import Following, measure_along, share_text
from kriptik_trainer.world import World

LAST_WORD_SECONDS = 3.0
"""How long to wait for the leader's word on how a run ends that has broken off here."""

_OUTCOMES = {
    ExitCode.SUCCEEDED: "succeeded",
    ExitCode.FROZEN: "frozen",
    ExitCode.STOPPED: "stopped",
}


class Follower:
    """One process with its way out."""

    def __init__(self, spec: Spec, world: World) -> None:
        self._spec = spec
        self._world = world
        self._once = threading.Lock()
        self.progress = Progress(
            spec.job, spec.attempt, Mailbox(), Clock(time.time, time.monotonic)
        )
        self.progress.set_deadline(spec.deadline, spec.deadline_seconds)
        self.watch = FollowerWatch(self.progress, self.end)

    def listen_for_signals(self) -> None:
        """The leader decides what a signal means for the run."""

        def handler(number: int, _: FrameType | None) -> None:
            self.watch.signal = signal.Signals(number).name

        signal.signal(signal.SIGTERM, handler)
        signal.signal(signal.SIGINT, handler)

    def end(self, code: int, error: TrainerError | None) -> None:
        """Leaves with a code, exactly once."""
        if not self._once.acquire(blocking=False):
            return
        if self._world.local_rank == 0:
            result = {
                "attempt": self._spec.attempt,
                "outcome": _OUTCOMES.get(code, "failed"),
                "step": self.progress.get("step"),
                "totalSteps": self.progress.get("totalSteps"),
                "error": None if error is None else error.to_json(),
            }
            write(path_of(os.environ), summary(result, self._world.rank, code))
        leave(code)

    def fail(self, error: BaseException) -> None:
        """Ends as the leader says, or else as the error demands, having told the leader of it."""
        problem = classify(error, self._spec.store.uri, self._spec.hyperparameters)
        if problem.exit_code == ExitCode.INTERNAL:
            traceback.print_exception(error)
        log(str(problem), "ERROR")
        peers = self.watch.peers
        if peers is not None:
            try:
                peers.fail(problem)
                limit = time.monotonic() + LAST_WORD_SECONDS
                while peers.heard() is None and time.monotonic() < limit:
                    time.sleep(0.1)
                code = peers.heard()
                if code is not None:
                    self.end(code, None)
            except RuntimeError:
                log("the first process of the run is gone", "WARN")
        self.end(problem.exit_code, problem)

    def _resume(self, peers: Peers) -> Stored | None:
        """The checkpoint that the leader goes on from, read from the store by this process itself."""
        chosen = peers.chosen()
        if chosen is None:
            return None
        return open_store(self._spec.store, self._spec.attempt).verified(
            chosen["uri"], chosen["manifestSha256"]
        )

    def train(self) -> None:
        """Trains as long as the leader says so."""
        spec, world = self._spec, self._world
        refuse_together(spec, not world.alone)
        rows, held = split_rows(spec, read_rows(spec, self.progress.warn))
        log("loading libraries")
        peers = Peers(world)
        self.watch.peers = peers
        peers.join()
        resume = self._resume(peers)
        folder = peers.first_of_node(f"model of {spec.method}", lambda: fetch_model(spec))
        sharded = spec.parallelism == "sharded"
        executor = open_executor(spec, folder, rows, held if sharded else [])
        prepared = executor.prepare()
        if sharded:
            log(share_text(prepared))
            peers.help = partial(measure_along, executor)
        peers.meet("prepared 0")
        if resume is None or resume.step != run_file(resume.path).get("totalSteps"):
            executor.train(Following(peers, self.progress), None if resume is None else resume.path)
        elif sharded:
            executor.load(resume.path)

    def attend(self) -> None:
        """Measures along with the leader, to whom the end of the run is left, as long as it asks."""
        peers = self.watch.peers
        if peers is not None and peers.help is not None:
            with suppress(RuntimeError):
                # The watch says what it means that the leader is gone.
                peers.attend()


def follow(spec: Spec, world: World) -> NoReturn:
    """Runs a process that is not the first; leaves the process itself."""
    follower = Follower(spec, world)
    follower.listen_for_signals()
    follower.watch.start()
    try:
        follower.train()
        follower.attend()
    except BaseException as error:  # noqa: BLE001 - the last place that can say what happened
        follower.fail(error)
    while True:
        # The watch ends this process when the leader has exported and gone.
        time.sleep(60)
