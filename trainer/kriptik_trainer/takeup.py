"""Going on from a checkpoint: verified, and shown as the last one of this attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.progress import Progress, checkpoint_json
from kriptik_trainer.session import RUN_FILE
from kriptik_trainer.spec import Resume, Spec
from kriptik_trainer.store import Store, Stored


def run_file(folder: Path) -> dict[str, Any]:
    """What an earlier attempt has left in its checkpoint; {} where there is nothing to read."""
    try:
        value = json.loads((folder / RUN_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _named(store: Store, resume: Resume) -> Stored:
    stored = store.verified(resume.uri, resume.manifest_sha256)
    if stored.step != resume.step:
        raise TrainerError(
            "checkpointMismatch",
            f"the checkpoint is of step {stored.step}, not {resume.step}",
            "resume.step",
            "Name the checkpoint and its own step.",
        )
    return stored


def _whole(store: Store, resume: Resume, progress: Progress) -> Stored:
    """The checkpoint that the spec names or, where that one is broken, the newest whole one."""
    try:
        return _named(store, resume)
    except TrainerError as error:
        if error.code != "checkpointBroken":
            raise
        found = store.latest()
        if found.stored is None:
            raise
        for problem in (str(error), *found.problems):
            progress.warn(problem)
        step = found.stored.step
        progress.warn(f"the checkpoint of step {resume.step} is broken; going on from step {step}")
        return found.stored


def take_up(spec: Spec, store: Store, progress: Progress) -> Stored | None:
    """Verifies the checkpoint to resume from and shows it as the last one. Raises TrainerError."""
    if spec.resume is None:
        return None
    stored = _whole(store, spec.resume, progress)
    before = run_file(stored.path)
    seconds = before.get("checkpointSeconds")
    if isinstance(seconds, int | float):
        progress.checkpoint_took(float(seconds))
    progress.set(
        step=stored.step,
        lastCheckpoint=checkpoint_json(
            stored, "periodic", float(seconds or 0), (before.get("stage") or {}).get("name")
        ),
        stages=before.get("stages") or [],
    )
    return stored
