"""Checkpoints with made-up content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kriptik_trainer.store import Store, Stored


def content(text: str, large: int = 0) -> Callable[[Path], None]:
    """Writes two small files in two folders and, if asked for, a large one."""

    def write(folder: Path) -> None:
        (folder / "state.json").write_text(f'{{"is": "{text}"}}')
        (folder / "sub").mkdir()
        (folder / "sub" / "weights").write_bytes(text.encode() * 1000)
        if large:
            (folder / "large.bin").write_bytes(bytes(large))

    return write


def save(store: Store, step: int, attempt: str = "kriptik-job-1", **other: Any) -> Stored:
    """Saves a checkpoint of a step."""
    large = int(other.pop("large", 0))
    name = f"step-{step:08d}"
    text = str(other.pop("text", step))
    return store.save("checkpoint", name, step, attempt, content(text, large), **other)


def lower(value: float) -> dict[str, Any]:
    """Figures on held-out rows, of which less is better."""
    return {"metric": "loss", "value": value, "better": "lower"}
