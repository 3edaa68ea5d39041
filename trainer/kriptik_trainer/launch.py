"""The processes of one node: started together, stopped together, with one exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from kriptik_trainer.errors import ExitCode
from kriptik_trainer.log import log
from kriptik_trainer.world import World

PATIENCE_SECONDS = 20.0
"""How long the others may take to end once one of them has."""
TICK_SECONDS = 0.1


def threads_of(world: World) -> int:
    """Threads for each process of this node, so that together they do not ask for more than there are."""
    return max(1, len(os.sched_getaffinity(0)) // world.local_size)


def exit_code(codes: Sequence[int]) -> int:
    """The code of a node: its first process's, or of the one that failed where that one succeeded.

    A process that a signal has killed counts as one that the run has lost.
    """
    told = [ExitCode.LOST if code < 0 else code for code in codes]
    return told[0] or max(told)


def launch(world: World, spec: Path) -> int:
    """Runs the node's processes to their end; a signal is passed on to all of them."""
    command = [sys.executable, "-m", "kriptik_trainer", "run", "--spec", str(spec)]
    threads = os.environ.get("OMP_NUM_THREADS") or str(threads_of(world))
    started = [
        subprocess.Popen(
            command, env={**os.environ, "OMP_NUM_THREADS": threads, **world.environment(rank)}
        )
        for rank in range(world.local_size)
    ]

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in started:
            if process.poll() is None:
                process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    tick = threading.Event()
    while all(process.poll() is None for process in started):
        tick.wait(TICK_SECONDS)
    limit = time.monotonic() + PATIENCE_SECONDS
    while any(process.poll() is None for process in started) and time.monotonic() < limit:
        tick.wait(TICK_SECONDS)
    for rank, process in enumerate(started):
        if process.poll() is None:
            log(f"process {rank} of this node does not end and is killed", "ERROR")
            process.kill()
    return exit_code([process.wait() for process in started])
