"""Memory in use, of the machine or container and of the GPU that trains."""

from __future__ import annotations

import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
UNLIMITED = 1 << 60
Memory = dict[str, int]


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _file_cache(cgroup: Path) -> int:
    """Bytes that the kernel gives back before it kills anything for want of memory."""
    try:
        lines = (cgroup / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _machine(proc: Path) -> Memory | None:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return None
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if ":" in line}
    total, free = found.get("MemTotal"), found.get("MemAvailable")
    if total is None or free is None:
        return None
    return {"usedBytes": total - free, "totalBytes": total}


def host_memory(cgroup: Path = CGROUP, proc: Path = PROC) -> Memory | None:
    """What counts against the limit at which the kernel kills: the container's where it has one, else
    the machine's."""
    limit, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if limit is not None and used is not None and limit < UNLIMITED:
        return {"usedBytes": max(0, used - _file_cache(cgroup)), "totalBytes": limit}
    return _machine(proc)


def device_memory() -> Memory | None:
    """Of this process's GPU; None without one. Does not load torch to find out."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return {"usedBytes": int(total - free), "totalBytes": int(total)}
