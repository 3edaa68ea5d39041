"""Stable Diffusion 1.5 and XL: a UNet that foresees noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch.nn.functional import mse_loss

from kriptik_trainer.data.media import bucket, picture
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.families.base import Tensors, draw_picture, drawn, latents_of, mean_of
from kriptik_trainer.options import Options


class StableDiffusion:
    """See families.base.Family."""

    network_name = "unet"
    targets = ("to_q", "to_k", "to_v", "to_out.0")
    pipeline_tag = "text-to-image"
    encoders = ("clip_l", "clip_g")

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self.options = options
        self.schedule = DDPMScheduler.from_config(pipeline.scheduler.config)
        # The latent's side has to survive the UNet's halvings.
        halvings = len(pipeline.unet.config.down_block_types) - 1
        self.multiple = int(pipeline.vae_scale_factor) * 2**halvings

    @property
    def wide(self) -> bool:
        """Whether it is an XL model, with a second text encoder and sizes as a condition."""
        return hasattr(self.pipeline, "text_encoder_2")

    def latents(self, image: Any) -> Tensors:
        """The latents of a picture in its bucket."""
        size = bucket(image.width, image.height, self.options.resolution, self.multiple)
        mean, std = latents_of(self.pipeline.vae, image, size)
        scale = self.pipeline.vae.config.scaling_factor
        return {"mean": mean * scale, "std": std * scale}

    def condition(self, captions: list[str]) -> Tensors:
        """See PictureFamily.condition."""
        device = self.pipeline.unet.device
        if not self.wide:
            text, _ = self.pipeline.encode_prompt(captions, device, 1, False)
            return {"text": text}
        text, _, pooled, _ = self.pipeline.encode_prompt(
            captions, None, device, 1, do_classifier_free_guidance=False
        )
        return {"text": text, "pooled": pooled}

    def row(self, image: Any, caption: str) -> Tensors:
        """See PictureFamily.row."""
        with torch.no_grad():
            said = self.condition([caption])
        return {**self.latents(image), **{name: value[0] for name, value in said.items()}}

    def encode(self, example: Example) -> Tensors:
        """See Family.encode."""
        assert example.media is not None
        return self.row(picture(example.media), example.text or "")

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses."""
        latents = drawn(batch)
        noise = torch.randn_like(latents)
        steps = self.schedule.config.num_train_timesteps
        times = torch.randint(0, steps, (len(latents),), device=latents.device)
        noisy = self.schedule.add_noise(latents, noise, times)
        more: dict[str, Any] = {}
        if self.wide:
            height, width = (side * self.pipeline.vae_scale_factor for side in latents.shape[-2:])
            sizes = torch.tensor([[height, width, 0, 0, height, width]], device=latents.device)
            ids = sizes.expand(len(latents), -1).to(batch["pooled"].dtype)
            more["added_cond_kwargs"] = {"text_embeds": batch["pooled"], "time_ids": ids}
        seen = network(noisy, times, encoder_hidden_states=batch["text"], **more).sample
        wanted = noise
        if self.schedule.config.prediction_type == "v_prediction":
            wanted = self.schedule.get_velocity(latents, noise, times)
        return mean_of(mse_loss(seen.float(), wanted.float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample."""
        return draw_picture(
            self.pipeline, self.options, prompt, folder / f"{name}.png", generator, self.multiple
        )
