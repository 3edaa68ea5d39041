"""Runs attempts in this process, up to but without the process exit."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

import torch

from kriptik_trainer.attempt import train_attempt
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Clock, Progress
from kriptik_trainer.result import Ending
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store import JobStore, open_store

CLOCK = Clock(time.time, time.monotonic)


class StoppingProgress(Progress):
    """Asks for a checkpoint and a stop once a step is done, as the control server would."""

    stop_after: int | None = None

    def step_done(
        self, step: int, epoch: float, seconds: float, samples: int, waited: float = 0.0
    ) -> None:
        super().step_done(step, epoch, seconds, samples, waited)
        if step == self.stop_after:
            self.mailbox.submit("test-stop", True, "test", "requested")


@dataclass(frozen=True)
class Attempt:
    """What an attempt left behind; `result` is what it has written as result.json."""

    ended_early: str | None
    status: dict[str, Any]
    result: dict[str, Any]
    points: list[dict[str, Any]]
    store: JobStore
    mailbox: Mailbox


def run_attempt(spec: dict[str, Any], stop_after: int | None = None) -> Attempt:
    """Prepares, trains and exports."""
    parsed = parse_spec(spec)
    store = open_store(parsed.store, parsed.attempt)
    mailbox = Mailbox()
    progress = StoppingProgress(parsed.job, parsed.attempt, mailbox, CLOCK)
    progress.stop_after = stop_after
    metrics = Metrics(store.metrics_path, CLOCK.wall)
    early = train_attempt(parsed, store, progress, metrics)
    status = progress.snapshot()
    Ending(progress, store, parsed.attempt, leave=lambda _: None).end(early or "succeeded")
    file = store.metrics_path.parent / "attempts" / parsed.attempt / "result.json"
    result = json.loads(file.read_text())
    return Attempt(early, status, result, metrics.history(), store, mailbox)


def resume_of(attempt: Attempt) -> dict[str, Any]:
    """The spec's `resume` for an attempt's last checkpoint."""
    last = attempt.status["lastCheckpoint"]
    return {name: last[name] for name in ("uri", "step", "manifestSha256")}


def weights_hash(uri: str) -> dict[str, str]:
    """Hash of the tensors of each weight file of a checkpoint or artifact, after reading it all back.

    Not of the file: the header's metadata come in another order each time.
    """
    from safetensors.torch import load  # noqa: PLC0415

    from kriptik_trainer.manifest import verify  # noqa: PLC0415
    from kriptik_trainer.store import path_of  # noqa: PLC0415

    found = {}
    folder = path_of(uri)
    for entry in verify(folder).files:
        if not entry.path.endswith(".safetensors"):
            continue
        digest = hashlib.sha256()
        for name, tensor in sorted(load((folder / entry.path).read_bytes()).items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        found[entry.path] = digest.hexdigest()
    return found
