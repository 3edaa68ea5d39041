"""What a trainer of transformers or TRL does otherwise where the model is cut into shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from kriptik_trainer import sharding

OPTIMIZER_FILE = "optimizer.pt"
SCHEDULER_FILE = "scheduler.pt"


class Sharded:
    """Mixed into a trainer class, before it. Only what is saved and taken up differs: such a trainer saves
    no optimizer and asks all processes to write weights, while here the first one alone writes.

    Where only adapters are trained, they and their optimizer are whole in each process and saved as usual.
    """

    model: Any
    optimizer: Any
    lr_scheduler: Any
    accelerator: Any
    _weights: sharding.Tensors
    _state: dict[str, Any]

    @property
    def cut(self) -> bool:
        """Whether what is trained is cut into shards."""
        return sharding.is_sharded(self.model) and not isinstance(self.model, PeftModel)

    def gather(self) -> None:
        """Brings together in the first process what a checkpoint holds. All have to call it."""
        if self.cut:
            self._weights = sharding.whole_weights(self.model)
            self._state = sharding.whole_optimizer(self.optimizer)

    def release(self) -> None:
        """Gives back the memory of what was brought together."""
        self._weights, self._state = {}, {}

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if not self.cut:
            super()._save(output_dir, state_dict)  # type: ignore[misc]
            return
        with sharding.as_if_whole(self.model):
            super()._save(output_dir, self._weights)  # type: ignore[misc]

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self.cut:
            super()._save_optimizer_and_scheduler(output_dir)  # type: ignore[misc]
            return
        torch.save(self._state, Path(output_dir) / OPTIMIZER_FILE)
        torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_FILE)

    def _load_from_checkpoint(self, folder: str, model: Any = None) -> None:
        if self.cut:
            sharding.take_weights(self.model, Path(folder))
        else:
            super()._load_from_checkpoint(folder, model)  # type: ignore[misc]

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or not self.cut:
            super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
            return
        folder = Path(checkpoint)
        # Mapped, not read: each process touches its own shards only.
        state = torch.load(
            folder / OPTIMIZER_FILE, map_location="cpu", mmap=True, weights_only=True
        )
        sharding.take_optimizer(self.optimizer, state)
        self.lr_scheduler.load_state_dict(
            torch.load(folder / SCHEDULER_FILE, map_location="cpu", weights_only=True)
        )

    def _sync_replicated_trainable_parameters(self, model: Any) -> None:
        sharding.average_gradients_of_adapters(model, lambda: self.accelerator.sync_gradients)
