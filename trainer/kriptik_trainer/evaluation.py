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
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Store

HISTORY = 100
"""Looks that the status shows."""


class Evaluator:
    """Calls an executor's evaluate and sample, and tells what came of it."""

    def __init__(
        self, spec: Spec, executor: Executor, progress: Progress, metrics: Metrics, store: Store
    ) -> None:
        self._spec = spec
        self._executor = executor
        self._progress = progress
        self._metrics = metrics
        self._store = store
        self.base: dict[str, float] | None = None
        self._history: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self.seconds = 0.0
        """How long the slowest measurement took."""

    @property
    def wanted(self) -> bool:
        """Whether the spec asks for any of this."""
        return self._spec.evaluation is not None

    def take_up(self, base: Any) -> None:
        """Takes the base model's figures from an earlier attempt."""
        if isinstance(base, dict) and base:
            self.base = {str(name): float(value) for name, value in base.items()}
        for point in self._metrics.history():
            if "evaluation" in point:
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
        with random_numbers_kept():
            found = {name: float(value) for name, value in self._executor.evaluate().items()}
            self._write_samples(step)
        self.seconds = max(self.seconds, clock.monotonic() - began)
        if not found:
            return
        if self.base is None:
            self.base = found
        metric, better = self._executor.watched
        latest = {name: finite(value) for name, value in found.items()}
        self._history.append({"step": step, "values": latest})
        self._progress.set(
            evaluation={
                "metric": metric,
                "better": better,
                "step": step,
                "base": {name: finite(value) for name, value in self.base.items()},
                "latest": latest,
                "history": list(self._history),
            }
        )
        self._progress.moved()
        self._metrics.evaluated(step, found)
        log(f"step {step}: {metric} {found[metric]:.4g}, base {self.base[metric]:.4g}")

    def _write_samples(self, step: int) -> None:
        given = self._spec.evaluation
        if given is None or given.samples == 0 or not self._executor.makes_samples:
            return

        def write(folder: Path) -> None:
            self._executor.sample(folder, given.samples)

        name = f"step-{step:08d}"
        try:
            stored = self._store.save("sample", name, step, self._spec.attempt, write)
        except Exception as error:
            if is_disk_full(error):
                raise
            # Something to look at is not worth a run; the figures and the weights are.
            first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            self._progress.warn(f"no samples could be made at step {step}: {first}")
            return
        log(f"samples of step {step}: {stored.uri}")
