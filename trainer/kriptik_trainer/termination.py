"""The last word of a container: a summary of the result where the container's runtime looks for one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kriptik_trainer import PROTOCOL

VARIABLE = "KRIPTIK_TERMINATION_LOG"
USUAL = Path("/dev/termination-log")
LIMIT = 4096
_LONGEST_TEXT = 600


def path_of(environment: Mapping[str, str]) -> Path | None:
    """Where to write it: as told, else the usual place of containers, else nowhere."""
    told = environment.get(VARIABLE)
    if told:
        return Path(told)
    return USUAL if USUAL.is_file() and os.access(USUAL, os.W_OK) else None


def _short(part: Any) -> Any:
    return part[:_LONGEST_TEXT] if isinstance(part, str) else part


def summary(result: Mapping[str, Any], rank: int, code: int) -> bytes:
    """At most 4 KiB of JSON: how a process ended, at which step, with which checkpoint and error."""
    checkpoint, error = result.get("checkpoint"), result.get("error")
    unsaved = result.get("lastCheckpointError")
    value = {
        "protocol": PROTOCOL,
        "attempt": result.get("attempt"),
        "rank": rank,
        "outcome": result.get("outcome"),
        "exitCode": code,
        "step": result.get("step"),
        "totalSteps": result.get("totalSteps"),
        "checkpoint": None
        if checkpoint is None
        else {name: checkpoint[name] for name in ("step", "uri", "manifestSha256")},
        "lastCheckpointError": None
        if unsaved is None
        else {**unsaved, "message": unsaved["message"][:_LONGEST_TEXT]},
        "error": None if error is None else {name: _short(part) for name, part in error.items()},
    }
    content = json.dumps(value, ensure_ascii=True).encode()
    if len(content) <= LIMIT:
        return content
    # Escapes have made it long; the code alone is enough for a program.
    value["error"] = None if error is None else {"code": error["code"], "message": ""}
    value["lastCheckpointError"] = None
    content = json.dumps(value, ensure_ascii=True).encode()
    return content if len(content) <= LIMIT else b"{}"


def write(path: Path | None, content: bytes) -> None:
    """Writes in place: the file is a mount of its own and cannot be replaced. A failure costs nothing."""
    if path is None:
        return
    try:
        path.write_bytes(content)
    except OSError:
        return
