"""A moving average of the trained weights, which is smoother than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

AVERAGE_FILE = "average.safetensors"
_STEPS = "steps"


class Average:
    """Kept in 32 bits beside the weights. At step n the decay is n / (9 + n) at most, so that short runs
    are not held back by the weights they began with."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], decay: float) -> None:
        from diffusers.training_utils import EMAModel  # noqa: PLC0415 - seconds, for few runs

        self._parameters = parameters
        self._average = EMAModel([p.detach().float() for p in parameters.values()], decay=decay)

    def step(self) -> None:
        """After an optimizer step."""
        self._average.step(self._parameters.values())

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the average is in the place of the weights."""
        self._average.store(self._parameters.values())
        try:
            self.keep()
            yield
        finally:
            self._average.restore(self._parameters.values())

    def keep(self) -> None:
        """Puts the average in the place of the weights, for good."""
        self._average.copy_to(self._parameters.values())

    def save(self, folder: Path) -> None:
        """Adds the average to a checkpoint."""
        held = {
            f"weights.{name}": shadow.detach().cpu().contiguous()
            for name, shadow in zip(self._parameters, self._average.shadow_params, strict=True)
        }
        steps = torch.tensor(self._average.optimization_step)
        save_file({**held, _STEPS: steps}, folder / AVERAGE_FILE)

    def load(self, folder: Path) -> bool:
        """Takes the average of a checkpoint; False where it has none, and averaging begins anew."""
        if not (folder / AVERAGE_FILE).is_file():
            return False
        saved = load_file(folder / AVERAGE_FILE)
        self._average.optimization_step = int(saved[_STEPS])
        for name, shadow in zip(self._parameters, self._average.shadow_params, strict=True):
            shadow.copy_(saved[f"weights.{name}"])
        return True
