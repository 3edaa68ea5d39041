"""What this machine offers for training: versions, device, room."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path
from typing import Any

from kriptik_trainer import PROTOCOL, __version__
from kriptik_trainer.cache import cache_root

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "safetensors")


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _device() -> dict[str, Any]:
    import torch  # noqa: PLC0415 - three seconds

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return {
            "type": "cuda",
            "name": properties.name,
            "count": torch.cuda.device_count(),
            "memoryBytes": properties.total_memory,
            "bf16": torch.cuda.is_bf16_supported(),
        }
    kind = "mps" if torch.backends.mps.is_available() else "cpu"
    return {"type": kind, "name": platform.processor() or platform.machine(), "count": 1}


def doctor() -> dict[str, Any]:
    """A report with `ok` and, for each thing that is wrong, what to do."""
    problems: list[dict[str, str]] = []
    versions = _versions()
    missing = [name for name, version in versions.items() if version is None]
    device: dict[str, Any] | None = None
    if missing:
        problems.append(
            {"problem": f"not installed: {', '.join(missing)}", "remedy": "Run trainer/install.sh."}
        )
    else:
        try:
            device = _device()
        except (ImportError, OSError, RuntimeError) as error:
            problems.append(
                {
                    "problem": f"torch does not work: {error}",
                    "remedy": f"Remove the environment below {cache_root()} and install again.",
                }
            )
    root = cache_root()
    existing = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < 2 << 30:
        problems.append(
            {
                "problem": f"only {free / (1 << 30):.1f} GiB are free at {existing}",
                "remedy": "Free some space, or name another disk with KRIPTIK_CACHE.",
            }
        )
    return {
        "ok": not problems,
        "trainer": __version__,
        "protocol": PROTOCOL,
        "python": platform.python_version(),
        "packages": versions,
        "device": device,
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memoryBytes": _memory(),
        "cache": {"path": str(root), "freeBytes": free, "models": _models(root)},
        "problems": problems,
    }


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _models(root: Path) -> list[str]:
    return sorted(path.parent.name for path in (root / "models").glob("*/.complete"))
