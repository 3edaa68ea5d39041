"""ACE-Step 1.5: music with vocals and lyrics; a transformer over latents of sound, by flow matching."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss

from kriptik_trainer.data.media import Unreadable
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.data.sounds import sound, write_sound
from kriptik_trainer.families.base import (
    Tensors,
    drawn,
    in_batch,
    mean_of,
    spread,
    straight_path,
)
from kriptik_trainer.options import Options

UNCONDITIONED = 0.15
"""Share of rows whose caption is left out, as when the base was trained; guidance lives on it."""
TIMBRE_SECONDS = 30


class AceStep:
    """See families.base.Family."""

    network_name = "transformer"
    targets = ("to_q", "to_k", "to_v", "to_out.0")
    pipeline_tag = "text-to-audio"

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self.options = options

    def encode(self, example: Example) -> Tensors:
        """See Family.encode. Rows share a batch where sounds and captions are equally long."""
        assert example.media is not None
        pipeline, encoder = self.pipeline, self.pipeline.condition_encoder
        vae = pipeline.vae
        rate = int(pipeline.sample_rate)
        samples = sound(example.media, rate, self.options.seconds, vae.config.audio_channels)
        # A patch of the transformer is two latents wide; what does not fill one is cut off.
        width = int(rate / pipeline.latents_per_second) * pipeline.transformer.config.patch_size
        samples = samples[:, : samples.shape[1] // width * width]
        if not samples.shape[1]:
            raise Unreadable("it is too short")
        with torch.no_grad():
            mean, std = spread(vae.encode(samples[None].to(vae.device, vae.dtype)))
            text, text_mask, lyrics, lyrics_mask = pipeline.encode_prompt(
                example.text or "",
                example.lyrics or "",
                vae.device,
                vocal_language=self.options.language,
                audio_duration=samples.shape[1] / rate,
            )
            silence = encoder.silence_latent
            frames = math.ceil(TIMBRE_SECONDS * pipeline.latents_per_second)
            said, _ = encoder(
                text,
                text_mask,
                lyrics,
                lyrics_mask,
                silence[:, :frames].to(text.dtype),
                torch.zeros(1, dtype=torch.long, device=vae.device),
            )
        length = mean.shape[-1]
        repeats = math.ceil(length / silence.shape[1])
        return {
            "mean": mean[0].float().T.contiguous(),
            "std": std[0].float().T.contiguous(),
            "text": said[0],
            "silence": silence[0].repeat(repeats, 1)[:length].contiguous(),
        }

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses."""
        noisy, times, wanted = straight_path(drawn(batch))
        text = batch["text"]
        left_out = torch.rand(len(text), device=text.device) < UNCONDITIONED
        nothing = self.pipeline.condition_encoder.null_condition_emb.to(text)
        text = torch.where(in_batch(left_out, text), nothing.expand_as(text), text)
        context = torch.cat([batch["silence"], torch.ones_like(noisy)], dim=-1)
        seen = network(
            hidden_states=noisy.to(text.dtype),
            timestep=times.to(text.dtype),
            timestep_r=times.to(text.dtype),
            encoder_hidden_states=text,
            context_latents=context.to(text.dtype),
            return_dict=False,
        )[0]
        return mean_of(mse_loss(seen.float(), wanted.float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample."""
        made = self.pipeline(
            prompt.text or "",
            lyrics=prompt.lyrics or "",
            audio_duration=self.options.seconds,
            vocal_language=self.options.language,
            num_inference_steps=self.options.sample_steps,
            generator=generator,
        )
        path = folder / f"{name}.wav"
        write_sound(made.audios[0], int(self.pipeline.sample_rate), path)
        return path
