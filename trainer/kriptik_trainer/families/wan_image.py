"""Wan 2.1-type models that make a clip go on from a picture: the first frame is a condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss

from kriptik_trainer.data.media import clip, cut, fitted
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.families.base import Tensors, drawn, mean_of, straight_path
from kriptik_trainer.families.wan import FRAMES_A_SECOND, STEPS, Wan, write_clip


class WanImage(Wan):
    """See families.base.Family. To a row belong the latents of its first frame, and what the picture
    encoder sees in it where the model has one."""

    targets = (*Wan.targets, "add_k_proj", "add_v_proj")
    pipeline_tag = "image-to-video"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        if self.pipeline.config.expand_timesteps:
            raise TrainerError(
                "unsupportedModel",
                "models that mix the first frame into the noise by place are not trained from pictures",
                "model.source",
                "Take a Wan 2.1 image-to-video model, or its text-to-video pipeline.",
            )

    def encode(self, example: Example) -> Tensors:
        """See Family.encode."""
        assert example.media is not None
        frames = clip(example.media, self.frames, FRAMES_A_SECOND)
        row = self.row(frames, example.text or "")
        size = self.size(frames[0])
        pipeline, device = self.pipeline, self.pipeline.vae.device
        first = fitted(frames[0], size)[None]
        with torch.no_grad():
            # Latents are given so that none are drawn; what comes back is the condition alone.
            _, condition = pipeline.prepare_latents(
                first.to(device, torch.float32),
                1,
                int(pipeline.vae.config.z_dim),
                size[1],
                size[0],
                self.frames,
                torch.float32,
                device,
                latents=row["mean"][None],
            )
            row["condition"] = condition[0].float()
            if pipeline.transformer.config.image_dim is not None:
                row["seen"] = pipeline.encode_image(frames[0], device)[0]
        return row

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses."""
        noisy, times, wanted = straight_path(drawn(batch))
        text = batch["text"]
        foreseen = network(
            hidden_states=torch.cat([noisy, batch["condition"]], 1).to(text.dtype),
            timestep=times * STEPS,
            encoder_hidden_states=text,
            encoder_hidden_states_image=batch.get("seen"),
            return_dict=False,
        )[0]
        return mean_of(mse_loss(foreseen.float(), wanted.float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample. The clip goes on from the first frame of the row's own."""
        from PIL import Image  # noqa: PLC0415 - only where there are pictures

        size = self.side()
        begin = Image.new("RGB", size, "gray")
        if prompt.media is not None:
            begin = cut(clip(prompt.media, 1)[0], size)
        made = self.pipeline(begin, prompt.text or "", **self.wanted(generator))
        path = folder / f"{name}.mp4"
        write_clip(made.frames[0], path)
        return path
