"""DreamBooth: binds one subject to a word, with class pictures that keep the model from forgetting.

The class pictures are made by the base model before the first step and live on in the checkpoints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from kriptik_trainer.data.media import Unreadable, bucket
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.determinism import derived_seed
from kriptik_trainer.executors.diffusion import DiffusionExecutor, stacked
from kriptik_trainer.families.base import PictureFamily, Tensors
from kriptik_trainer.log import log
from kriptik_trainer.scores import at_rest


class DreamBoothExecutor(DiffusionExecutor):
    """See executors.base.Executor."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        options = self.spec.options
        self.subject = options.subject_prompt or f"a photo of {options.token}"
        self._class_rows: list[Tensors] = []

    def captioned(self, example: Example) -> Example:
        """Every picture shows the subject, whatever its file says."""
        return replace(example, text=self.subject)

    def begin(self, extra: dict[str, torch.Tensor]) -> None:
        """Takes the class pictures of an earlier attempt, or makes them."""
        if extra:
            names = sorted({name.rpartition(".")[0] for name in extra}, key=int)
            self._class_rows = [
                {
                    key.rpartition(".")[2]: value
                    for key, value in extra.items()
                    if key.rpartition(".")[0] == name
                }
                for name in names
            ]
            return
        options = self.spec.options
        if options.class_images and options.class_prompt:
            log(f"making {options.class_images} class pictures")
            with self.whole(), at_rest(self.network):
                self._class_rows = [
                    self._class_row(options.class_prompt, index)
                    for index in range(options.class_images)
                ]

    def _class_row(self, prompt: str, index: int) -> Tensors:
        """A picture of the class by the base model, as a row. The adapter is new, so it adds nothing."""
        seed = derived_seed(self.spec.hyperparameters.seed, "class", index)
        family: PictureFamily = self.family  # type: ignore[assignment]
        width, height = bucket(1, 1, self.spec.options.resolution, family.multiple)
        image = family.pipeline(
            prompt,
            num_inference_steps=self.spec.options.sample_steps,
            width=width,
            height=height,
            generator=torch.Generator(self.place).manual_seed(seed),
        ).images[0]
        row = family.row(image, prompt)
        if not torch.isfinite(row["mean"]).all():
            raise Unreadable(f"class picture {index} is not finite")
        return {name: value.detach().cpu() for name, value in row.items()}

    def extra(self) -> dict[str, torch.Tensor]:
        """See loop.Task."""
        return {
            f"{index}.{name}": value
            for index, row in enumerate(self._class_rows)
            for name, value in row.items()
        }

    def loss(self, rows: list[int]) -> torch.Tensor:
        """See loop.Task. As many class pictures as subject pictures, weighed by `priorWeight`."""
        own = super().loss(rows)
        if not self._class_rows:
            return own
        drawn = torch.randint(0, len(self._class_rows), (len(rows),)).tolist()
        batch = stacked([self._class_rows[index] for index in drawn], self.place)
        prior = self.family.losses(self.module, batch).mean()
        return own + self.spec.options.prior_weight * prior
