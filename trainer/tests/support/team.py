"""Several real processes that train one run, as the pods of a job would."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from support.forked import TRAIN, TRAINER, Forked
from support.process import PATIENCE, ask
from support.specs import write_spec


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run_pair(target: str, out: Path, names: Sequence[str], ports: int) -> None:
    """Two processes that prove the cases `names` together, to their end: `target` (MODULE:FUNCTION) is given
    RANK PORT,PORT... OUT NAME..., with so many free ports a name. Each logs into `out`."""
    free = ",".join(str(free_port()) for _ in range(ports * len(names)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        Forked(target, [str(rank), free, str(out), *names], environment, out / f"{rank}.log")
        for rank in (0, 1)
    ]
    try:
        for process in processes:
            process.wait(3 * PATIENCE)
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Team:
    """One process a node; each is killed at the end of a with block."""

    def __init__(
        self,
        root: Path,
        spec: dict[str, Any],
        nodes: int = 2,
        processes: int = 1,
        others: dict[str, Any] | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        """`others` is another spec for all but the first node; each node calls `prepare` first."""
        self.root = root
        self.store = root / "store"
        self.attempt = spec["attempt"]
        path = write_spec(root, spec)
        other = path if others is None else write_spec(root / "others", others)
        (root / "port.json").unlink(missing_ok=True)
        port = free_port()
        self.nodes: list[Forked] = []
        for node in range(nodes):
            environment = {
                **os.environ,
                "PYTHONPATH": str(TRAINER),
                "OMP_NUM_THREADS": "1",
                "KRIPTIK_NODES": str(nodes),
                "KRIPTIK_PROCESSES": str(processes),
                "JOB_COMPLETION_INDEX": str(node),
                "KRIPTIK_MASTER": "127.0.0.1",
                "KRIPTIK_MASTER_PORT": str(port),
                "KRIPTIK_TERMINATION_LOG": str(self.last_word(node)),
            }
            log = self._log(node)
            log.write_bytes(b"")
            arguments = ["run", "--spec", str(path if node == 0 else other)]
            self.nodes.append(Forked(TRAIN, arguments, environment, log, prepare))

    def _log(self, node: int) -> Path:
        return self.root / f"{self.attempt}-{node}.log"

    def last_word(self, node: int) -> Path:
        """The node's termination message."""
        return self.root / f"{self.attempt}-{node}.last"

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            if node.poll() is None:
                node.kill()
            node.wait()

    def text(self) -> str:
        """What all have logged."""
        return "\n".join(self._log(node).read_text() for node in range(len(self.nodes)))

    def port(self) -> int:
        """The leader's control port, once it is told."""
        file = self.root / "port.json"
        limit = time.monotonic() + PATIENCE
        while not file.exists():
            assert self.nodes[0].poll() is None, self.text()
            assert time.monotonic() < limit, self.text()
            time.sleep(0.02)
        return int(json.loads(file.read_text())["port"])

    def step(self, at_least: int) -> dict[str, Any]:
        """The status, once a step is reached."""
        port, limit = self.port(), time.monotonic() + PATIENCE
        while time.monotonic() < limit and self.nodes[0].poll() is None:
            status: dict[str, Any] = ask(port, "GET", "/v1/status").body
            if status["step"] >= at_least:
                return status
            time.sleep(0.02)
        raise AssertionError(f"step {at_least} was not reached:\n{self.text()}")

    def exit_codes(self) -> list[int]:
        """Waits for all to end."""
        return [node.wait(PATIENCE) for node in self.nodes]

    def result(self) -> dict[str, Any]:
        """result.json."""
        path = self.store / "attempts" / self.attempt / "result.json"
        return dict(json.loads(path.read_text()))

    def said(self, node: int) -> dict[str, Any]:
        """A node's termination message."""
        return dict(json.loads(self.last_word(node).read_text()))
