"""Specs for tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any


def spec_json(
    root: Path, model: Path, data: Path, attempt: str = "kriptik-test-1"
) -> dict[str, Any]:
    """A spec of six steps over `data`; change what a test is about."""
    return {
        "protocol": 1,
        "job": "default/test",
        "attempt": attempt,
        "model": {
            "id": "test/tiny",
            "source": model.as_uri(),
            "revision": "r1",
            "parameters": 115_000,
            "license": "apache-2.0",
        },
        "method": {
            "name": "lora",
            "lora": {"r": 4, "alpha": 8, "dropout": 0.1, "targets": ["all-linear"]},
        },
        "data": [{"uri": data.as_uri(), "format": "jsonl", "split": None, "sha256": None}],
        "hyperparameters": {
            "epochs": 3,
            "maxSteps": 6,
            "batchSize": 2,
            "gradientAccumulation": 2,
            "learningRate": "0.001",
            "warmupRatio": "0.1",
            "scheduler": "cosine",
            "maxLength": 64,
            "seed": 7,
            "checkpointEverySteps": 100,
            "gradientCheckpointing": False,
            "precision": "fp32",
        },
        "store": {"uri": (root / "store").as_uri()},
        "resume": None,
        "outputs": ["adapter", "merged"],
        "deadline": None,
        "control": {
            "host": "127.0.0.1",
            "port": 0,
            "tokenFile": str(root / "token"),
            "portFile": str(root / "port.json"),
        },
        "card": {
            "goal": "Answer as our help desk.",
            "plan": "test-plan",
            "digest": "sha256:00",
            "unitPricePerHour": "6.00",
            "currency": "USD",
        },
    }


def changed(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with other values; `hyperparameters__maxSteps=3` reaches into objects."""
    copied = copy.deepcopy(spec)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = copied
        for name in parents:
            target = target[name]
        target[last] = value
    return copied


def write_spec(root: Path, spec: dict[str, Any]) -> Path:
    """spec.json and its token in `root`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "token").write_text("test-token\n")
    path = root / "spec.json"
    path.write_text(json.dumps(spec))
    return path
