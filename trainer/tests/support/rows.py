"""Rows to train on."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ["what is a freeze", "a freeze saves and stops", "how do I resume", "raise the budget"]


def write_data(path: Path, rows: int = 12) -> Path:
    """Question and answer rows of different lengths."""
    lines = [
        {"question": f"{WORDS[i % 4]} {i}?", "answer": f"{WORDS[(i + 1) % 4]} " * (1 + i % 3)}
        for i in range(rows)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
