"""Measures the model on held-out rows: the base first, then on the way, then the result."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from kriptik_trainer.determinism import random_numbers_kept
from kriptik_trainer.executors.base import Executor
from kriptik_trainer.faults import is_disk_full
from kriptik_trainer.log import log
from kriptik_trainer.metrics import Metrics, finite
from kriptik_trainer.progress import Progress
from kriptik_trainer.samples import listed
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Store, Stored

HISTORY = 100
"""Looks that the status shows."""


class Evaluator:
    """Calls an executor's evaluate, sample and score, and tells what came of it."""

    def __init__(
        self, spec: Spec, executor: Executor, progress: Progress, metrics: Metrics, store: Store
    ) -> None:
        self._spec = spec
        self._executor = executor
        self._progress = progress
        self._metrics = metrics
        self._store = store
        self.base: dict[str, float] | None = None
        self.samples: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        """The newest folders of samples, as the status shows them."""
        self._history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self.seconds = 0.0
        """How long the slowest measurement took."""

    @property
    def wanted(self) -> bool:
        """Whether the spec asks for any of this."""
        return self._spec.evaluation is not None

    def take_up(self, base: Any, samples: Any = None) -> None:
        """Takes the base model's figures and the list of samples from an earlier attempt."""
        if isinstance(base, dict) and base:
            self.base = {str(name): float(value) for name, value in base.items()}
        if isinstance(samples, list):
            self.samples.extend(samples)
            self._progress.set(samples=list(self.samples))
        for point in self._metrics.history():
            if "evaluation" in point and point.get("stage") == self._metrics.stage:
                self._history.append({"step": point["step"], "values": point["evaluation"]})

    def due(self, step: int) -> bool:
        """Whether this step, not the last one, is one to measure at."""
        given = self._spec.evaluation
        return (
            given is not None and bool(given.every_steps) and step % (given.every_steps or 1) == 0
        )

    def measure(self, step: int) -> None:
        """Measures, and writes samples. Step 0 is the base model."""
        if self._spec.evaluation is None:
            return
        clock = self._progress.clock
        began = clock.monotonic()
        with random_numbers_kept(), self._executor.as_exported():
            found = self._executor.evaluate() | self._made(step)
        found = {name: float(value) for name, value in found.items()}
        self.seconds = max(self.seconds, clock.monotonic() - began)
        if not found:
            return
        if self.base is None:
            self.base = found
        self._tell(step, found, self.base)

    def _tell(self, step: int, found: dict[str, float], base: dict[str, float]) -> None:
        metric, better = self._executor.watched
        latest = {name: finite(value) for name, value in found.items()}
        self._history.append({"step": step, "values": latest})
        self._progress.set(
            evaluation={
                "metric": metric,
                "better": better,
                "remark": self._executor.remark,
                "step": step,
                "base": {name: finite(value) for name, value in base.items()},
                "latest": latest,
                "history": list(self._history),
            }
        )
        self._progress.moved()
        self._metrics.evaluated(step, found)
        # A watched score of samples is missing where none could be made.
        if metric in found and metric in base:
            log(f"step {step}: {metric} {found[metric]:.4g}, base {base[metric]:.4g}")

    def _made(self, step: int) -> dict[str, float]:
        """Stores samples and returns what they score."""
        given = self._spec.evaluation
        if given is None or given.samples == 0 or not self._executor.makes_samples:
            return {}
        if any(request.stop for request in self._progress.mailbox.waiting()):
            # Samples may take minutes, and whoever stops a run waits for the checkpoint.
            return {}
        scored: dict[str, float] = {}
        count = 0

        def write(folder: Path) -> None:
            nonlocal count
            self._executor.sample(folder, given.samples)
            count = len(listed(folder))
            scored.update(self._executor.score(folder))

        name = f"step-{step:08d}"
        try:
            stored = self._store.save("sample", name, step, self._spec.attempt, write)
        except Exception as error:
            if is_disk_full(error):
                raise
            # Something to look at is not worth a run; the figures and the weights are.
            first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            self._progress.warn(f"no samples could be made at step {step}: {first}")
            return {}
        log(f"samples of step {step}: {stored.uri}")
        self._list(stored, count)
        return scored

    def _list(self, stored: Stored, count: int) -> None:
        """Samples of a step that is trained again take the place of those before."""
        known = [one for one in self.samples if one["step"] < stored.step]
        self.samples.clear()
        self.samples.extend(known)
        self.samples.append(
            {
                "step": stored.step,
                "uri": stored.uri,
                "manifestSha256": stored.manifest_sha256,
                "sizeBytes": stored.size_bytes,
                "count": count,
            }
        )
        self._progress.set(samples=list(self.samples))
