"""Executors by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kriptik_trainer.executors.registry import find
from kriptik_trainer.models.architecture import architecture
from kriptik_trainer.setup import read_rows, split_rows
from kriptik_trainer.spec import parse_spec
from support.methods import Case


def opened(case: Case, root: Path, model: Path, **hyper: Any) -> Any:
    """An executor that is ready to train."""
    spec = case.spec(root, model)
    spec["hyperparameters"].update(hyper)
    parsed = parse_spec(spec)
    rows, held = split_rows(parsed, read_rows(parsed, print))
    executor = find(parsed, architecture(model)).load()(parsed, model, rows, held)
    executor.prepare()
    return executor
