"""A trainer as a real process, and a client of its control protocol."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from support.forked import TRAIN, TRAINER, Forked
from support.specs import write_spec

PATIENCE = 240.0
T = TypeVar("T")


@dataclass
class Answer:
    """A decoded answer."""

    status: int
    body: Any
    headers: dict[str, str]


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    token: str | None = "test-token",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request; bytes are sent as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = dict(headers or {})
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    try:
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        decoded = json.loads(response.read() or b"null")
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, decoded, named)
    finally:
        connection.close()


class TrainerProcess:
    """`python -m kriptik_trainer run` with a spec; killed at the end of a with block. `fresh` starts the
    interpreter as well."""

    def __init__(
        self,
        root: Path,
        spec: dict[str, Any],
        prepare: Callable[[], None] | None = None,
        fresh: bool = False,
    ) -> None:
        self.root = root
        self.store = root / "store"
        self.attempt = spec["attempt"]
        path = write_spec(root, spec)
        (root / "port.json").unlink(missing_ok=True)
        log = root / f"{self.attempt}.log"
        log.write_bytes(b"")
        arguments = ["run", "--spec", str(path)]
        environment = {**os.environ, "PYTHONPATH": str(TRAINER)}
        self.process: Forked | subprocess.Popen[bytes]
        if fresh:
            command = [sys.executable, "-m", "kriptik_trainer", *arguments]
            with log.open("w") as file:
                self.process = subprocess.Popen(
                    command, env=environment, stdout=file, stderr=file, preexec_fn=prepare
                )
        else:
            self.process = Forked(TRAIN, arguments, environment, log, prepare)

    def __enter__(self) -> TrainerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """Waits for a condition; a trainer that is gone ends the wait."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            found = look()
            if found is not None:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {what}; exit {self.process.poll()}; log:\n{self.text()}")

    def text(self) -> str:
        """What it has logged."""
        return (self.root / f"{self.attempt}.log").read_text()

    def port(self) -> int:
        """The port, once the port file is there."""
        file = self.root / "port.json"
        told = self.until(
            "port file", lambda: json.loads(file.read_text()) if file.exists() else None
        )
        assert told["pid"] == self.process.pid
        return int(told["port"])

    def step(self, at_least: int) -> dict[str, Any]:
        """The status, once a step is reached."""
        port = self.port()

        def look() -> dict[str, Any] | None:
            status = ask(port, "GET", "/v1/status").body
            return status if status["step"] >= at_least else None

        return self.until(f"step {at_least}", look)

    def exit_code(self) -> int:
        """Waits for the end."""
        return self.process.wait(PATIENCE)

    def result(self) -> dict[str, Any]:
        """result.json."""
        path = self.store / "attempts" / self.attempt / "result.json"
        return dict(json.loads(path.read_text()))
