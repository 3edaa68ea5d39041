"""The cases of the method tests: a model, data and a spec for everything that can be trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.rows import WORDS, write_data
from support.specs import changed, spec_json

Write = Callable[[Path], Path]
"""Writes a model or data below a folder and returns its path."""


@dataclass(frozen=True)
class Case:
    """A method on a kind of model.

    `stop_after` is a step in the middle of an epoch. `reload` uses an exported folder with the plain
    library and raises where it cannot; it gets (base model, exported folder).
    """

    name: str
    modality: str
    method: str
    model: Write
    data: Write
    reload: Callable[[Path, Path], None]
    outputs: tuple[str, ...] = ("adapter", "merged")
    format: str = "jsonl"
    stop_after: int = 4
    improves: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    consent: Callable[[Path], dict[str, str]] | None = None

    def spec(self, root: Path, model: Path) -> dict[str, Any]:
        """A spec of six steps with accumulation 2 over a third more rows than a pass of them."""
        spec = spec_json(root, model, self.data(root))
        spec["modality"] = self.modality
        spec["method"] = {
            "name": self.method,
            "lora": {"r": 4, "alpha": 8, "dropout": 0.1, "targets": ["all-linear"]},
            "options": self.options,
        }
        spec["data"][0]["format"] = self.format
        spec["outputs"] = list(self.outputs)
        spec["evaluation"] = {"share": "0.2", "maxRows": 3, "everySteps": 3, "samples": 1}
        spec["hyperparameters"]["learningRate"] = "0.01"
        spec["consent"] = None if self.consent is None else self.consent(root)
        return changed(spec, **self.changes)


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A JSON Lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def chat_data(root: Path) -> Path:
    """Questions and answers."""
    return write_data(root / "data.jsonl")


def preference_data(root: Path) -> Path:
    """Always the same word is the better answer, so that six steps can learn it."""
    rows = [
        {"prompt": f"{WORDS[i % 4]} {i}?", "chosen": "freeze " * (1 + i % 2), "rejected": "budget"}
        for i in range(12)
    ]
    return lines(root / "preferences.jsonl", rows)


def judged_data(root: Path) -> Path:
    """Answers that are judged one by one: always the same word is the good one."""
    rows = [
        {
            "prompt": f"{WORDS[i % 4]} {i}?",
            "completion": ("freeze " if i % 2 else "budget ") * (1 + i % 3),
            "label": bool(i % 2),
        }
        for i in range(16)
    ]
    return lines(root / "judged.jsonl", rows)


def code_data(root: Path) -> Path:
    """Short programs."""
    rows = [{"text": f"def f{i}(x):\n    y = x + {i}\n    return y\n"} for i in range(12)]
    return lines(root / "code.jsonl", rows)


def prompt_data(root: Path) -> Path:
    """Prompts whose answer is a letter, which even an untrained model says at times."""
    rows = [{"prompt": f"{WORDS[i % 4]} {i}?", "expected": "a"} for i in range(12)]
    return lines(root / "prompts.jsonl", rows)
