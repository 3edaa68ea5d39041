"""One attempt from its spec to its exit code: wiring only."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from kriptik_trainer import __version__
from kriptik_trainer.control import Api, serve
from kriptik_trainer.data.load import Loaded, load_all
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import held_out
from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.evaluation import Evaluator
from kriptik_trainer.executors.base import Executor
from kriptik_trainer.executors.registry import find, kind_of
from kriptik_trainer.faults import classify
from kriptik_trainer.log import log
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.models.architecture import architecture
from kriptik_trainer.progress import Clock, Progress, checkpoint_json
from kriptik_trainer.result import Ending
from kriptik_trainer.session import RUN_FILE, Session
from kriptik_trainer.spec import Spec, load_spec
from kriptik_trainer.store import FileStore, Stored, open_store
from kriptik_trainer.watchdog import Watchdog

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
    needs_hub = spec.model.source.startswith("hf://") or any(d.format == "hub" for d in spec.data)
    if not needs_hub:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def listen_for_signals(mailbox: Mailbox) -> None:
    """SIGTERM and SIGINT ask for a checkpoint and a stop, as the control protocol does."""

    def handler(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        mailbox.submit(f"signal-{name}", True, name, "signal")

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def take_up(spec: Spec, store: FileStore, progress: Progress) -> Stored | None:
    """Verifies the checkpoint to resume from and shows it as the last one. Raises TrainerError."""
    if spec.resume is None:
        return None
    stored = store.verified(spec.resume.uri, spec.resume.manifest_sha256)
    if stored.step != spec.resume.step:
        raise TrainerError(
            "checkpointMismatch",
            f"the checkpoint is of step {stored.step}, not {spec.resume.step}",
            "resume.step",
            "Name the checkpoint and its own step.",
        )
    before = _run_file(stored.path)
    seconds = before.get("checkpointSeconds")
    if isinstance(seconds, int | float):
        progress.checkpoint_took(float(seconds))
    progress.set(
        step=stored.step,
        lastCheckpoint=checkpoint_json(stored, "periodic", float(seconds or 0)),
    )
    return stored


def _run_file(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / RUN_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def split_rows(spec: Spec, loaded: tuple[Loaded, ...]) -> tuple[Rows, Rows]:
    """(rows to train on, rows held out for evaluation), each with its file."""
    rows = [(one.uri, example) for one in loaded for example in one.examples]
    given = spec.evaluation
    if given is None:
        return rows, []
    held = held_out(len(rows), given.share, given.max_rows, spec.hyperparameters.seed)
    kept = [row for index, row in enumerate(rows) if index not in held]
    return kept, [rows[index] for index in sorted(held)]


def facts_of(spec: Spec, loaded: tuple[Loaded, ...], threads: int) -> dict[str, Any]:
    """What has to be equal for a resume to be exact; kept in every checkpoint."""
    hyper = {k: v for k, v in vars(spec.hyperparameters).items() if k != "checkpoint_every_steps"}
    return {
        "trainer": __version__,
        "model": spec.model.id,
        "method": spec.method,
        "lora": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(spec.lora).items()},
        "options": vars(spec.options),
        "data": [one.sha256 or one.uri for one in loaded],
        "hyperparameters": hyper,
        "threads": threads,
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Names of facts in which a resumed run differs from the one it goes on from."""
    return [name for name in now if name in before and before[name] != now[name]]


def train_attempt(spec: Spec, store: FileStore, progress: Progress, metrics: Metrics) -> Session:
    """Prepares, trains, exports. Raises whatever goes wrong."""
    resume = take_up(spec, store, progress)
    progress.set(phase="preparing")
    loaded = load_all(spec.data, kind_of(spec))
    for one in loaded:
        for text in one.warnings:
            progress.warn(text)
        log(f"{one.uri}: {len(one.examples)} rows of {one.shape}")
    from kriptik_trainer.models.resolve import resolve  # noqa: PLC0415

    folder = resolve(spec.model.source, spec.model.revision, log)
    entry = find(spec, architecture(folder))
    log("loading libraries")
    import torch  # noqa: PLC0415 - ten seconds, in which the control server already answers

    from kriptik_trainer.export import export_all  # noqa: PLC0415

    examples, held = split_rows(spec, loaded)
    executor: Executor = entry.load()(spec, folder, examples, held)
    progress.set(device=executor.device)
    log(f"loading {spec.model.id} on {executor.device['name']}")
    prepared = executor.prepare()
    for text in executor.warnings:
        progress.warn(text)
        log(text, "WARN")
    progress.state_bytes = int(prepared["stateBytes"])
    log(f"{prepared['trainable']:,} of {prepared['parameters']:,} parameters train")
    facts = facts_of(spec, loaded, torch.get_num_threads())
    if resume is not None:
        for name in differences(_run_file(resume.path), facts):
            progress.warn(f"{name} differs from the checkpoint's: the result will not be the same")
    evaluator = Evaluator(spec, executor, progress, metrics, store)
    before = {} if resume is None else _run_file(resume.path)
    evaluator.take_up(before.get("evaluationOfBase"))
    if resume is None:
        evaluator.measure(0)
    session = Session(spec, progress, metrics, store, facts, evaluator)
    total = before.get("totalSteps")
    if resume is not None and resume.step == total:
        log(f"step {total} was the last one; only the export is left")
        progress.set(totalSteps=total)
        executor.load(resume.path)
    else:
        executor.train(session, None if resume is None else resume.path)
    if session.ended_early is None:
        progress.set(phase="exporting")
        evaluator.measure(int(progress.get("step")))
        export_all(spec, executor, store, progress, metrics, loaded, prepared)
    return session


def run(path: Path) -> int:
    """Runs the attempt of a spec file. Normally leaves the process itself with its exit code."""
    spec = load_spec(path)
    store = open_store(spec.store_uri)
    clock = Clock(time.time, time.monotonic)
    mailbox = Mailbox()
    progress = Progress(spec.job, spec.attempt, mailbox, clock)
    ending = Ending(progress, store, spec.attempt)
    listen_for_signals(mailbox)
    quiet_libraries(spec)
    try:
        progress.set_deadline(spec.deadline)
        store.acquire()
        metrics = Metrics(store.root / "metrics.jsonl", clock.wall)
        watchdog = Watchdog(progress, ending)
        if spec.control is not None:
            server = serve(spec.control, Api(progress, metrics, watchdog.abort))
            log(f"control protocol on {spec.control.host}:{server.port}")
        watchdog.start()
        session = train_attempt(spec, store, progress, metrics)
        ending.end(session.ended_early or "succeeded")
    except BaseException as error:  # noqa: BLE001 - the last place that can say what happened
        _fail(error, spec, ending)
    # Another thread has begun to end the process; nothing may come in between.
    time.sleep(60)
    return ExitCode.INTERNAL


def _fail(error: BaseException, spec: Spec, ending: Ending) -> None:
    problem = classify(error, spec.store_uri)
    if problem.exit_code == ExitCode.INTERNAL:
        show: Callable[..., None] = traceback.print_exception
        show(error)
    ending.end("failed", problem)
