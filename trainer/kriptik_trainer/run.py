"""One attempt from its spec to its exit code: wiring only."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from kriptik_trainer.attempt import train_attempt
from kriptik_trainer.control import Api, serve
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.faults import classify
from kriptik_trainer.follow import follow
from kriptik_trainer.launch import launch
from kriptik_trainer.libraries import leave_out, unused
from kriptik_trainer.log import log
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.peer_watch import LeaderWatch
from kriptik_trainer.peers import Peers
from kriptik_trainer.progress import Clock, Progress
from kriptik_trainer.result import Ending
from kriptik_trainer.setup import quiet_libraries
from kriptik_trainer.spec import Spec, load_spec
from kriptik_trainer.store import open_store
from kriptik_trainer.watchdog import Watchdog
from kriptik_trainer.world import World, is_placed, world_of

CAUSE_SECONDS = 3.0
"""How long to wait for another process to say why it has left."""


def listen_for_signals(mailbox: Mailbox) -> None:
    """SIGTERM and SIGINT ask for a checkpoint and a stop, as the control protocol does."""

    def handler(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        mailbox.submit(f"signal-{name}", True, name, "signal")

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def lead(spec: Spec, world: World) -> int:
    """Runs the first process of a run, or the only one. Normally leaves the process itself."""
    store = open_store(spec.store, spec.attempt)
    clock = Clock(time.time, time.monotonic)
    mailbox = Mailbox()
    progress = Progress(spec.job, spec.attempt, mailbox, clock)
    progress.set(world={"size": world.size, "nodes": world.nodes})
    ending = Ending(progress, store, spec.attempt)
    found: list[Peers] = []

    def join() -> Peers:
        peers = Peers(world)
        found.append(peers)
        ending.tell(peers)
        LeaderWatch(peers, progress, lambda error: ending.end("failed", error)).start()
        peers.join()
        return peers

    listen_for_signals(mailbox)
    try:
        progress.set_deadline(spec.deadline, spec.deadline_seconds)
        store.acquire()
        metrics = Metrics(store.metrics_path, clock.wall)
        watchdog = Watchdog(progress, ending, spec.hung_after_seconds)
        if spec.control is not None:
            server = serve(spec.control, Api(progress, metrics, watchdog.abort))
            log(f"control protocol on {spec.control.host}:{server.port}")
        watchdog.start()
        early = train_attempt(spec, store, progress, metrics, None if world.alone else join)
        ending.end(early or "succeeded")
    except BaseException as error:  # noqa: BLE001 - the last place that can say what happened
        _fail(error, spec, ending, found)
    # Another thread has begun to end the process; nothing may come in between.
    time.sleep(60)
    return ExitCode.INTERNAL


def _fail(error: BaseException, spec: Spec, ending: Ending, found: list[Peers]) -> None:
    problem = classify(error, spec.store.uri, spec.hyperparameters)
    if problem.exit_code == ExitCode.INTERNAL:
        show: Callable[..., None] = traceback.print_exception
        show(error)
    if problem.code == "peerLost" and found:
        problem = _cause(found[0]) or problem
    ending.end("failed", problem)


def _cause(peers: Peers) -> TrainerError | None:
    """Why another process has left, if it has said so."""
    try:
        return peers.failure(CAUSE_SECONDS)
    except RuntimeError:
        return None


def run(path: Path) -> int:
    """Runs the attempt of a spec file: this process's part of it. Normally leaves the process itself
    with its exit code."""
    spec = load_spec(path)
    world = world_of(os.environ)
    if world.local_size > 1 and not is_placed(os.environ):
        return launch(world, path)
    if world.alone:
        # Shown more than one GPU, a library would spread the batch over all of them, unasked.
        shown = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = shown.split(",")[0]
    else:
        os.environ.update(world.environment(world.local_rank))
    quiet_libraries(spec)
    leave_out(unused(spec))
    if not world.leads:
        follow(spec, world)
    return lead(spec, world)
