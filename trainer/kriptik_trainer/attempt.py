"""What an attempt does: it prepares, trains and exports, one stage after the other."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from kriptik_trainer.continuing import is_extended, refuse_misfits
from kriptik_trainer.data.load import Loaded
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.evaluation import Evaluator
from kriptik_trainer.executors.base import Executor, Hooks
from kriptik_trainer.libraries import loading
from kriptik_trainer.log import log
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.peers import Peers
from kriptik_trainer.progress import Progress
from kriptik_trainer.result import Outcome
from kriptik_trainer.session import Session
from kriptik_trainer.setup import (
    differences,
    facts_of,
    fetch_model,
    open_executor,
    read_rows,
    refuse_together,
    split_rows,
)
from kriptik_trainer.spec import Spec, Stage
from kriptik_trainer.stages import (
    WHOLE,
    Place,
    Stretch,
    decides,
    is_needed,
    planned_steps,
    spec_of,
)
from kriptik_trainer.store import JobStore, Stored
from kriptik_trainer.takeup import run_file, take_up
from kriptik_trainer.together import Joint, Leading, share_text

Rows = tuple[Loaded, ...]


class Attempt:
    """One attempt, as the first of its processes goes through it."""

    def __init__(
        self,
        spec: Spec,
        store: JobStore,
        progress: Progress,
        metrics: Metrics,
        join: Callable[[], Peers] | None,
    ) -> None:
        self._spec = spec
        self._store = store
        self._progress = progress
        self._metrics = metrics
        self._join = join
        self._peers: Peers | None = None
        self._results: dict[str, Stored] = {}
        """What earlier stages have made, by their names."""

    def run(self) -> Outcome | None:
        """Trains from the checkpoint to resume from, or from the base. How it has ended early, or None
        at the end of all. Raises whatever goes wrong."""
        refuse_together(self._spec, self._join is not None)
        resume = take_up(self._spec, self._store, self._progress)
        self._progress.set(phase="preparing")
        stages = self._spec.stages
        told = [spec_of(self._spec, stage, None) for stage in stages] or [self._spec]
        # All of it before the first step: what is wrong with a later stage's data is told at once.
        loaded = [read_rows(one, self._progress.warn) for one in told]
        log("loading libraries")
        with loading():
            import torch  # noqa: F401, PLC0415 - seconds, in which the control server already answers

        if self._join is not None:
            self._peers = self._join()
            self._peers.choose(resume)
        if not stages:
            return self._train(self._spec, WHOLE, loaded[0], resume)
        return self._through(loaded, resume)

    def _through(self, loaded: list[Rows], resume: Stored | None) -> Outcome | None:
        """One stage after the other, from the one that the checkpoint is of."""
        stages, names = self._spec.stages, [stage.name for stage in self._spec.stages]
        before = {} if resume is None else run_file(resume.path)
        kept = before.get("stage") or {"name": names[0], "firstStep": 0}
        if resume is not None and (not before.get("stage") or kept["name"] not in names):
            raise TrainerError(
                "checkpointMismatch",
                "the checkpoint belongs to no stage of this run",
                resume.uri,
                "Resume from a checkpoint of this job.",
            )
        start, first = names.index(kept["name"]), int(kept["firstStep"])
        self._take_results(before, stages[start:])
        for number in range(start, len(stages)):
            stage, rows = stages[number], loaded[number]
            log(f"stage {stage.name}, {number + 1} of {len(stages)}")
            self._metrics.stage = stage.name
            self._progress.set(evaluation=None)
            if stage.method is None:
                self._look(stage, rows, first)
                continue
            base = self._results.get(stage.starts_from)
            place = self._place(number, first, loaded)
            ended = self._train(spec_of(self._spec, stage, base), place, rows, resume, stage)
            if ended is not None:
                return ended
            resume = None
            first = int(self._progress.get("step"))
            release()
        return None

    def _take_results(self, before: dict[str, Any], to_come: tuple[Stage, ...]) -> None:
        """Finds what earlier stages have made for those to come, every byte of it compared."""
        for one in before.get("stages", []):
            found = one["result"]
            if found is not None and any(stage.starts_from == one["name"] for stage in to_come):
                stored = self._store.verified(found["uri"], found["manifestSha256"])
                self._results[one["name"]] = stored

    def _place(self, number: int, first: int, loaded: list[Rows]) -> Place:
        stages = self._spec.stages
        processes = 1 if self._peers is None else self._peers.world.size
        later = [
            planned_steps(spec_of(self._spec, stages[at], None), rows, processes)
            for at in range(number + 1, len(stages))
            if stages[at].method is not None
            for rows in [sum(len(one.examples) for one in loaded[at])]
        ]
        stage = stages[number]
        return Place(stage.name, number, len(stages), first, sum(later), not later)

    def _open(self, spec: Spec, loaded: Rows, held_only: bool = False) -> tuple[Executor, Any]:
        """(executor, what prepare() tells of it)."""
        progress, peers = self._progress, self._peers
        examples, held = split_rows(spec, loaded)
        processes = 1 if peers is None else peers.world.size
        if peers is None:
            folder = fetch_model(spec)
        else:
            folder = peers.first_of_node(f"model of {spec.method}", lambda: fetch_model(spec))
        if held_only:
            limit = 64 if spec.evaluation is None else spec.evaluation.max_rows
            examples = held = [*held, *examples][:limit]
        executor = open_executor(spec, folder, examples, held)
        if peers is not None and spec.parallelism == "sharded":
            executor = cast("Executor", Joint(executor, peers))
        progress.set(device={**executor.device, "count": processes})
        log(f"loading {spec.model.public_name} on {executor.device['name']}")
        prepared = executor.prepare()
        for text in executor.warnings:
            progress.warn(text)
            log(text, "WARN")
        return executor, prepared

    def _train(
        self,
        spec: Spec,
        place: Place,
        loaded: Rows,
        resume: Stored | None,
        stage: Stage | None = None,
    ) -> Outcome | None:
        """One stage, or the whole of a run that has none."""
        import torch  # noqa: PLC0415 - loaded by now

        progress, peers = self._progress, self._peers
        processes = 1 if peers is None else peers.world.size
        progress.set(phase="preparing")
        executor, prepared = self._open(spec, loaded)
        progress.state_bytes = int(prepared["stateBytes"])
        log(f"{prepared['trainable']:,} of {prepared['parameters']:,} parameters train")
        if spec.parallelism == "sharded":
            log(share_text(prepared))
        facts = facts_of(spec, loaded, torch.get_num_threads(), processes)
        before = {} if resume is None else run_file(resume.path)
        if resume is not None and not resume.uri.startswith(f"{spec.store.uri.rstrip('/')}/"):
            refuse_misfits(before, facts, spec.modality, resume.uri)
            log(
                f"going on from step {resume.step} of the job before, with the settings of this plan"
            )
        else:
            for name in differences(before, facts):
                text = f"{name} differs from the checkpoint's: the result will not be the same"
                progress.warn(text)
        evaluator = Evaluator(spec, executor, progress, self._metrics, self._store)
        evaluator.take_up(before.get("evaluationOfBase"), before.get("samples"))
        if resume is None:
            evaluator.measure(place.first)
        session = Session(
            spec, progress, self._metrics, self._store, facts, evaluator, processes, place
        )
        hooks: Hooks = session
        if peers is not None:
            hooks = Leading(session, peers)
            peers.meet(f"prepared {place.index}")
        total = before.get("totalSteps")
        if resume is not None and resume.step == total and not is_extended(before, facts):
            log(f"step {total} was the last one; only the export is left")
            progress.set(totalSteps=total + place.after, stage=place.shown(total))
            executor.load(resume.path)
        else:
            executor.train(Stretch(hooks, place.first), None if resume is None else resume.path)
        if session.ended_early is None:
            progress.set(phase="exporting")
            evaluator.measure(int(progress.get("step")))
            self._export(spec, executor, loaded, prepared, stage)
        return session.ended_early

    def _export(
        self,
        spec: Spec,
        executor: Executor,
        loaded: Rows,
        prepared: dict[str, Any],
        stage: Stage | None,
    ) -> None:
        """Writes the run's outputs where this stage decides them, and what a later stage begins with."""
        from kriptik_trainer.export import export_all  # noqa: PLC0415 - heavy

        made: dict[str, Stored] = {}
        if stage is None or decides(self._spec, stage):
            made = export_all(
                spec, executor, self._store, self._progress, self._metrics, loaded, prepared
            )
        if stage is None:
            return
        result = made.get("merged")
        if result is None and is_needed(self._spec, stage):
            result = self._hand_on(executor, stage)
        if result is not None and is_needed(self._spec, stage):
            named = self._store.verified(result.uri, result.manifest_sha256)
            self._results[stage.name] = named
        self._note(stage, result)

    def _hand_on(self, executor: Executor, stage: Stage) -> Stored:
        def write(folder: Path) -> None:
            executor.export("merged", folder)

        step = int(self._progress.get("step"))
        name = f"stage-{stage.name}"
        stored = self._store.save("artifact", name, step, self._spec.attempt, write)
        log(f"result of stage {stage.name}: {stored.uri}")
        return stored

    def _note(self, stage: Stage, result: Stored | None) -> None:
        """Adds a stage to those that are done."""
        status = self._progress.snapshot()
        found = None
        if result is not None:
            found = {"uri": result.uri, "manifestSha256": result.manifest_sha256}
        figures = status["evaluation"]
        if figures is not None:
            figures = {name: figures[name] for name in ("metric", "better", "base", "latest")}
        done = {
            "name": stage.name,
            "lastStep": status["step"],
            "evaluation": figures,
            "result": found,
        }
        kept = [one for one in status["stages"] if one["name"] != stage.name]
        self._progress.set(stages=[*kept, done])

    def _look(self, stage: Stage, loaded: Rows, step: int) -> None:
        """A stage that trains nothing: measures the base and what it starts from on rows of its own."""
        log(f"stage {stage.name}: measuring")
        self._progress.set(phase="exporting")
        self._metrics.stage = stage.name
        bases = [None, self._results.get(stage.starts_from)]
        base: dict[str, float] | None = None
        for result in bases if bases[1] is not None else bases[:1]:
            spec = spec_of(self._spec, stage, result)
            executor, _ = self._open(spec, loaded, held_only=True)
            evaluator = Evaluator(spec, executor, self._progress, self._metrics, self._store)
            evaluator.take_up(base)
            evaluator.measure(step)
            base = evaluator.base
            del executor, evaluator
            release()
        self._note(stage, None)


def release() -> None:
    """Gives back the memory of a model that nothing refers to any more."""
    import torch  # noqa: PLC0415 - loaded by now

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def train_attempt(
    spec: Spec,
    store: JobStore,
    progress: Progress,
    metrics: Metrics,
    join: Callable[[], Peers] | None = None,
) -> Outcome | None:
    """Prepares, trains, exports. `join` finds the other processes, where there are any.

    How it has ended early, or None. Raises whatever goes wrong.
    """
    return Attempt(spec, store, progress, metrics, join).run()
