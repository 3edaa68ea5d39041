"""What kind of model a folder holds, by the files that describe it; nothing is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

INDEXES = ("model_index.json", "config.json")


def architecture(folder: Path) -> str:
    """The class of the pipeline or model, like `StableDiffusionXLPipeline`; "" where none is named."""
    for name in INDEXES:
        try:
            described: Any = json.loads((folder / name).read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(described, dict):
            continue
        named = described.get("architectures")
        listed = named[0] if isinstance(named, list) and named else None
        found = described.get("_class_name") or listed or described.get("model")
        if isinstance(found, str):
            return found
    return ""
