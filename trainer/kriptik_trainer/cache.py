"""The folder for what is fetched or built once; the same one that install.py uses."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """KRIPTIK_CACHE, else kriptik below XDG_CACHE_HOME, else ~/.cache/kriptik."""
    own = os.environ.get("KRIPTIK_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "kriptik"
