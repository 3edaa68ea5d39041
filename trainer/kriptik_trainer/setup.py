"""What every process of a run does before training: rows, model, executor."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kriptik_trainer import __version__
from kriptik_trainer.data.load import Loaded, load_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import held_out
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import Executor
from kriptik_trainer.executors.registry import EXECUTORS, find, kind_of
from kriptik_trainer.log import log
from kriptik_trainer.models.architecture import architecture
from kriptik_trainer.spec import Spec

Rows = list[tuple[str, Example]]


def quiet_libraries(spec: Spec) -> None:
    """Keeps the libraries from drawing bars, and from asking a hub that this run does not need."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    # Threads that wait for each other sleep in place of spinning. On a machine that also runs other
    # things, spinning was measured to take twice the CPU time and twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    needs_hub = spec.model.source.startswith("hf://") or any(d.format == "hub" for d in spec.data)
    if not needs_hub:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def read_rows(spec: Spec, warn: Callable[[str], None]) -> tuple[Loaded, ...]:
    """The data of a run, read and valid. Raises TrainerError for rows that are not."""
    loaded = load_all(spec.data, kind_of(spec))
    for one in loaded:
        for text in one.warnings:
            warn(text)
        log(f"{one.uri}: {len(one.examples)} rows of {one.shape}")
    return loaded


def split_rows(spec: Spec, loaded: tuple[Loaded, ...]) -> tuple[Rows, Rows]:
    """(rows to train on, rows held out for evaluation), each with its file."""
    rows = [(one.uri, example) for one in loaded for example in one.examples]
    given = spec.evaluation
    if given is None:
        return rows, []
    held = held_out(len(rows), given.share, given.max_rows, spec.hyperparameters.seed)
    kept = [row for index, row in enumerate(rows) if index not in held]
    return kept, [rows[index] for index in sorted(held)]


def fetch_model(spec: Spec) -> Path:
    """The folder of the model, fetched where it is not there yet. Raises TrainerError."""
    from kriptik_trainer.models.resolve import resolve  # noqa: PLC0415 - heavy

    return resolve(spec.model.source, spec.model.revision, log)


ALONE = ("rlhf",)
"""Methods that one process trains: their steps are counted before processes share them out."""


def refuse_together(spec: Spec, several: bool) -> None:
    """Raises TrainerError `unsupportedShape` for a run that several processes cannot train."""
    alone = "a run in stages" if spec.stages else spec.method if spec.method in ALONE else None
    if several and alone is not None:
        raise TrainerError(
            "unsupportedShape",
            f"{alone} cannot be trained by several processes",
            "stages" if spec.stages else "method.name",
            "Plan it on one GPU of one node.",
        )
    if spec.parallelism != "sharded":
        return
    if not several:
        raise TrainerError(
            "unsupportedShape",
            "the model is to be cut into shards, but there is one process alone",
            "parallelism",
            "Start it with a process a GPU (KRIPTIK_PROCESSES), or set parallelism to replicated.",
        )
    if not any(e.sharded and e.takes(spec.modality, spec.method) for e in EXECUTORS):
        raise TrainerError(
            "unsupportedShape",
            f"{spec.method} of {spec.modality} models cannot be trained on shards of the model",
            "parallelism",
            "Set it to replicated, and plan GPUs that hold the whole model each.",
        )


def open_executor(spec: Spec, folder: Path, examples: Rows, held: Rows) -> Executor:
    """The executor that trains what a spec says. Raises TrainerError."""
    entry = find(spec, architecture(folder))
    executor: Executor = entry.load()(spec, folder, examples, held)
    return executor


def facts_of(
    spec: Spec, loaded: tuple[Loaded, ...], threads: int, processes: int
) -> dict[str, Any]:
    """What has to be equal for a resume to be exact; kept in every checkpoint."""
    hyper = {k: v for k, v in vars(spec.hyperparameters).items() if k != "checkpoint_every_steps"}
    return {
        "trainer": __version__,
        "libraries": libraries(),
        "model": spec.model.id,
        "revision": spec.model.revision,
        "method": spec.method,
        "lora": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(spec.lora).items()},
        "options": vars(spec.options),
        "data": [one.sha256 or one.uri for one in loaded],
        "hyperparameters": hyper,
        "threads": threads,
        "processes": processes,
        "parallelism": spec.parallelism,
    }


TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "diffusers", "bitsandbytes")


def libraries() -> dict[str, str]:
    """The versions of what computes, as far as it is installed: other ones may round otherwise."""
    found = {}
    for name in TRAINING:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Names of facts in which a resumed run differs from the one it goes on from."""
    return [name for name in now if name in before and before[name] != now[name]]
