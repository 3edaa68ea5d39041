"""What this trainer can train, for the operator to plan by. Nothing heavy is imported."""

from __future__ import annotations

import importlib.util
from typing import Any

from kriptik_trainer import PROTOCOL, __version__
from kriptik_trainer.executors.registry import EXECUTORS, Entry


def _described(entry: Entry, modality: str) -> dict[str, Any]:
    """One kind of model: its methods, the classes of models taken, and what is still to be installed."""
    missing = [name for name in entry.needs if importlib.util.find_spec(name) is None]
    told: dict[str, Any] = {
        "modality": modality,
        "methods": list(entry.methods),
        "architectures": entry.architectures,
    }
    if entry.sharded:
        told["sharded"] = True
    if missing:
        told["missing"] = f"--with {entry.family}"
    return told


def capabilities() -> dict[str, Any]:
    """Version, protocol, stages, and one entry for each kind of model and its methods."""
    executors = [
        _described(entry, modality) for entry in EXECUTORS for modality in entry.modalities
    ]
    told = {"trainer": __version__, "protocol": PROTOCOL}
    return {**told, "stages": True, "executors": executors}
