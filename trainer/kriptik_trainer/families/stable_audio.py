"""Stable Audio: sounds and music from a caption; a transformer over latents of a piece of fixed length."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from torch.nn.functional import mse_loss, pad

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound, write_sound
from kriptik_trainer.families.base import Tensors, drawn, in_batch, mean_of, spread
from kriptik_trainer.options import Options

UNCONDITIONED = 0.1
"""Share of rows whose caption and length are left out, as when the base was trained."""
SHORTEST_SECONDS = 0.1


class StableAudio:
    """See families.base.Family."""

    network_name = "transformer"
    targets = ("to_q", "to_k", "to_v", "to_out.0")
    pipeline_tag = "text-to-audio"

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self.rate = int(pipeline.vae.config.sampling_rate)
        self.length = int(pipeline.transformer.config.sample_size) * int(pipeline.vae.hop_length)
        """Samples that the model makes at once, whatever is asked for; what is shorter ends in silence."""
        self.seconds = min(options.seconds, self.length / self.rate)
        self.options = options

    def encode(self, example: Example) -> Tensors:
        """See Family.encode. All rows are equally long: silence follows what is shorter."""
        assert example.media is not None
        pipeline, vae = self.pipeline, self.pipeline.vae
        channels = int(vae.config.audio_channels)
        samples = sound(example.media, self.rate, self.seconds, channels, shortest=SHORTEST_SECONDS)
        filled = pad(samples, (0, self.length - samples.shape[1]))
        with torch.no_grad():
            mean, std = spread(vae.encode(filled[None].to(vae.device, vae.dtype)))
            text = pipeline.encode_prompt(example.text or "", vae.device, False)
            start, end = pipeline.encode_duration(
                0.0, samples.shape[1] / self.rate, vae.device, False, 1
            )
        return {
            "mean": mean[0].float(),
            "std": std[0].float(),
            "text": torch.cat([text, start, end], 1)[0],
            "length": torch.cat([start, end], 2)[0],
        }

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses. The velocity of the cosine schedule: of alpha x + sigma n, with alpha and sigma
        the cosine and sine of a quarter turn times a uniform time, it is alpha n - sigma x (Salimans and
        Ho, Progressive distillation for fast sampling of diffusion models, 2022)."""
        latents, text = drawn(batch), batch["text"]
        times = torch.rand(len(latents), device=latents.device)
        angle = in_batch(times * math.pi / 2, latents)
        noise = torch.randn_like(latents)
        noisy = angle.cos() * latents + angle.sin() * noise
        wanted = angle.cos() * noise - angle.sin() * latents
        left_out = torch.rand(len(text), device=text.device) < UNCONDITIONED
        turns = get_1d_rotary_pos_embed(
            self.pipeline.rotary_embed_dim,
            latents.shape[2] + 1,
            use_real=True,
            repeat_interleave_real=False,
        )
        seen = network(
            hidden_states=noisy.to(text.dtype),
            timestep=times.to(text.dtype),
            encoder_hidden_states=torch.where(in_batch(left_out, text), 0.0, text),
            global_hidden_states=batch["length"],
            rotary_embedding=tuple(part.to(text.device) for part in turns),
            return_dict=False,
        )[0]
        return mean_of(mse_loss(seen.float(), wanted.float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample."""
        made = self.pipeline(
            prompt.text or "",
            audio_end_in_s=self.seconds,
            num_inference_steps=self.options.sample_steps,
            generator=generator,
        )
        path = folder / f"{name}.wav"
        write_sound(made.audios[0], self.rate, path)
        return path
