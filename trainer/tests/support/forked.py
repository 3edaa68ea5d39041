"""Processes that begin where others have imported their libraries, which takes several times as long as
most tests train.

A server that has them loaded forks each one. It is a process of its own, with signals, files, environment
and exit code; what is left out is the interpreter's start.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TRAINER = Path(__file__).resolve().parents[2]
TRAIN = "kriptik_trainer.cli:entry"


@contextmanager
def _search_path() -> Iterator[None]:
    """The server finds by it what it is to load; it is started with the first process."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (TRAINER, TRAINER / "tests")))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _begin(
    target: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    prepare: Callable[[], None] | None,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    if prepare is not None:
        prepare()
    sys.argv = [target, *arguments]
    module, name = target.split(":")
    getattr(importlib.import_module(module), name)()


class Forked:
    """As much of subprocess.Popen as tests need. `target` is MODULE:FUNCTION, which finds `arguments` in
    sys.argv."""

    def __init__(
        self,
        target: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["support.libraries"])
        given = (target, tuple(arguments), dict(environment), log, prepare)
        self._process = context.Process(target=_begin, args=given, daemon=True)
        with _search_path():
            self._process.start()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, -N after signal N; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code once it has ended. Raises TimeoutError."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise TimeoutError(f"process {self.pid} runs on")
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it without a word."""
        self.send_signal(signal.SIGKILL)
