"""Flux-type image models: a transformer over packed latents, trained by flow matching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss

from kriptik_trainer.data.media import bucket, picture
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.families.base import (
    Tensors,
    draw_picture,
    drawn,
    latents_of,
    mean_of,
    straight_path,
)
from kriptik_trainer.options import Options

GUIDANCE = 1.0
"""A distilled model is trained without the pull of guidance."""


class Flux:
    """See families.base.Family."""

    network_name = "transformer"
    targets = ("to_q", "to_k", "to_v", "to_out.0")
    pipeline_tag = "text-to-image"
    encoders = ("clip_l", "t5")

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self.options = options
        self.multiple = 2 * int(pipeline.vae_scale_factor)

    def encode(self, example: Example) -> Tensors:
        """See Family.encode."""
        assert example.media is not None
        return self.row(picture(example.media), example.text or "")

    def condition(self, captions: list[str]) -> Tensors:
        """See PictureFamily.condition."""
        text, pooled, _ = self.pipeline.encode_prompt(
            captions, None, device=self.pipeline.transformer.device
        )
        return {"text": text, "pooled": pooled}

    def row(self, image: Any, caption: str) -> Tensors:
        """See PictureFamily.row."""
        size = bucket(image.width, image.height, self.options.resolution, self.multiple)
        vae = self.pipeline.vae
        mean, std = latents_of(vae, image, size)
        with torch.no_grad():
            said = self.condition([caption])
        shift, scale = vae.config.shift_factor, vae.config.scaling_factor
        return {
            "mean": (mean - shift) * scale,
            "std": std * scale,
            **{name: value[0] for name, value in said.items()},
        }

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses."""
        noisy, times, wanted = straight_path(drawn(batch))
        rows, channels, height, width = noisy.shape

        def packed(values: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.pipeline._pack_latents(values, rows, channels, height, width)
            return made

        text = batch["text"]
        places = self.pipeline._prepare_latent_image_ids(
            rows, height // 2, width // 2, noisy.device, text.dtype
        )
        guided = self.pipeline.transformer.config.guidance_embeds
        seen = network(
            hidden_states=packed(noisy).to(text.dtype),
            timestep=times.to(text.dtype),
            guidance=torch.full_like(times, GUIDANCE) if guided else None,
            pooled_projections=batch["pooled"],
            encoder_hidden_states=text,
            txt_ids=torch.zeros(text.shape[1], 3, device=text.device, dtype=text.dtype),
            img_ids=places,
            return_dict=False,
        )[0]
        return mean_of(mse_loss(seen.float(), packed(wanted).float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample."""
        return draw_picture(
            self.pipeline, self.options, prompt, folder / f"{name}.png", generator, self.multiple
        )
