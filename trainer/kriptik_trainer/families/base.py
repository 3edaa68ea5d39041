"""What the executors need of a family of diffusion models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch

from kriptik_trainer.data.media import bucket, fitted
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.options import Options

Tensors = dict[str, torch.Tensor]
"""A row as tensors, without a batch dimension; a batch has one."""


class Family(Protocol):
    """One pipeline of diffusers with what training it takes."""

    pipeline: Any
    network_name: str
    """The pipeline's part that is trained: `unet` or `transformer`."""
    targets: tuple[str, ...]
    """Where adapters go when the spec names no modules."""
    pipeline_tag: str

    def encode(self, example: Example) -> Tensors:
        """A row's latents (`mean`, `std`) and what its caption gives. Raises data.media.Unreadable."""

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """The loss of each row of a batch; noise and times are drawn from torch's generator."""

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """Makes one picture, clip or sound from a row's caption and writes it as `name`.*."""


class PictureFamily(Family, Protocol):
    """A family that makes pictures."""

    multiple: int
    """Sides of pictures are multiples of this."""
    encoders: tuple[str, ...]
    """What vectors of a new word are called, one for each text encoder that a pipeline may have."""

    def condition(self, captions: list[str]) -> Tensors:
        """What the text encoders make of captions, as a batch; gradients flow where they are wanted."""

    def row(self, image: Any, caption: str) -> Tensors:
        """What `encode` makes of a picture (PIL, RGB) with a caption."""


def draw_picture(
    pipeline: Any,
    options: Options,
    prompt: Example,
    target: Path,
    generator: torch.Generator,
    multiple: int,
) -> Path:
    """A square picture of a caption, written to `target`."""
    side = bucket(1, 1, options.resolution, multiple)
    made = pipeline(
        prompt.text or "",
        num_inference_steps=options.sample_steps,
        width=side[0],
        height=side[1],
        generator=generator,
    )
    made.images[0].save(target)
    return target


def drawn(batch: Tensors) -> torch.Tensor:
    """Latents drawn from what the autoencoder says of a row."""
    return batch["mean"] + batch["std"] * torch.randn_like(batch["mean"])


def latents_of(vae: Any, image: Any, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """(mean, standard deviation) of a picture's latents, in 32 bits. Autoencoders whose configuration says
    so (`force_upcast`, as that of SDXL) overflow in fp16: they compute in 32 bits."""
    narrow = vae.dtype is torch.float16 and vae.config.force_upcast
    if narrow:
        vae.float()
    try:
        with torch.no_grad():
            mean, std = spread(vae.encode(fitted(image, size)[None].to(vae.device, vae.dtype)))
    finally:
        if narrow:
            vae.half()
    return mean[0].float(), std[0].float()


def spread(encoded: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(mean, standard deviation) of an autoencoder's answer."""
    distribution = encoded.latent_dist
    return distribution.mean, distribution.std


def mean_of(values: torch.Tensor) -> torch.Tensor:
    """The mean over all but the first dimension."""
    return values.float().flatten(1).mean(1)


def in_batch(times: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """One number for each row, shaped to be multiplied with `like`."""
    return times.view(-1, *[1] * (like.dim() - 1))


def straight_path(latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(noisy latents, times in 0..1, velocity to foresee) of flow matching; times are logit-normal."""
    times = torch.sigmoid(torch.randn(len(latents), device=latents.device))
    noise = torch.randn_like(latents)
    shaped = in_batch(times, latents)
    return (1 - shaped) * latents + shaped * noise, times, noise - latents
