"""Outputs of a finished run: adapter and merged weights, each with a model card, committed whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kriptik_trainer.card import Figures, model_card
from kriptik_trainer.data.load import Loaded
from kriptik_trainer.executors.base import Executor
from kriptik_trainer.log import log
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Progress
from kriptik_trainer.spec import Spec
from kriptik_trainer.store import Store, Stored


def figures_of(
    progress: Progress, metrics: Metrics, loaded: tuple[Loaded, ...], prepared: dict[str, Any]
) -> Figures:
    """What the card tells of how training went."""
    losses = [point["loss"] for point in metrics.history() if point["loss"] is not None]
    status = progress.snapshot()
    return Figures(
        steps=status["step"],
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        seconds_per_step=status["secondsPerStep"],
        device=status["device"]["name"],
        rows=int(prepared["rows"]),
        tokens=int(prepared["tokens"]),
        parameters=int(prepared["parameters"]),
        trainable=int(prepared["trainable"]),
        evaluation=status["evaluation"],
        data=tuple((one.uri, one.sha256, len(one.examples)) for one in loaded),
    )


def export_all(
    spec: Spec,
    executor: Executor,
    store: Store,
    progress: Progress,
    metrics: Metrics,
    loaded: tuple[Loaded, ...],
    prepared: dict[str, Any],
) -> dict[str, Stored]:
    """Writes every output that the spec asks for into the store; what there is now, by name."""
    made: dict[str, Stored] = {}
    figures = figures_of(progress, metrics, loaded, prepared)
    # Merging changes the model, so the adapter has to be written first.
    for name in sorted(spec.outputs):

        def write(folder: Path, name: str = name) -> None:
            executor.export(name, folder)
            (folder / "README.md").write_text(
                model_card(spec, figures, name, executor.card(name)), "utf-8"
            )

        began = progress.clock.monotonic()
        stored = store.save("artifact", name, figures.steps, spec.attempt, write)
        made[name] = stored
        seconds = progress.clock.monotonic() - began
        log(f"{name} exported in {seconds:.1f} s: {stored.uri}")
        record = {
            "name": name,
            "uri": stored.uri,
            "manifestSha256": stored.manifest_sha256,
            "sizeBytes": stored.size_bytes,
        }
        progress.set(artifacts=[*progress.get("artifacts"), record])
    return made
