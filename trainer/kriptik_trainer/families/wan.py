"""Wan-type video models: a transformer over latents of a clip, trained by flow matching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import mse_loss

from kriptik_trainer.data.media import bucket, clip, fitted
from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.families.base import Tensors, drawn, mean_of, spread, straight_path
from kriptik_trainer.options import Options

STEPS = 1000
FRAMES_A_SECOND = 16
"""Of the clips that the models were trained on, and make."""


class Wan:
    """See families.base.Family."""

    network_name = "transformer"
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    pipeline_tag = "text-to-video"

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self.options = options
        if getattr(pipeline.config, "boundary_ratio", None) is not None:
            raise TrainerError(
                "unsupportedModel",
                "models of two transformers, one for much noise and one for little, are not trained",
                "model.source",
                "Take a Wan 2.1 model, or the 5B one of Wan 2.2.",
            )
        patch = pipeline.transformer.config.patch_size
        self.multiple = int(pipeline.vae_scale_factor_spatial) * max(patch[1:])
        # The autoencoder takes one frame and then whole groups.
        group = int(pipeline.vae_scale_factor_temporal)
        self.frames = max(1, (options.frames - 1) // group * group + 1)

    def size(self, frame: Any) -> tuple[int, int]:
        """(width, height) that clips with such frames are brought to."""
        return bucket(frame.width, frame.height, self.options.resolution, self.multiple)

    def row(self, frames: list[Any], caption: str) -> Tensors:
        """The latents of a clip and what its caption gives."""
        vae = self.pipeline.vae
        size = self.size(frames[0])
        pixels = torch.stack([fitted(frame, size) for frame in frames], 1)
        with torch.no_grad():
            mean, std = spread(vae.encode(pixels[None].to(vae.device, vae.dtype)))
            text, _ = self.pipeline.encode_prompt(
                caption, do_classifier_free_guidance=False, device=vae.device
            )

        def each(values: list[float]) -> torch.Tensor:
            return torch.tensor(values, device=mean.device).view(-1, 1, 1, 1)

        centre, width = each(vae.config.latents_mean), each(vae.config.latents_std)
        return {
            "mean": (mean[0].float() - centre) / width,
            "std": std[0].float() / width,
            "text": text[0],
        }

    def encode(self, example: Example) -> Tensors:
        """See Family.encode."""
        assert example.media is not None
        return self.row(clip(example.media, self.frames, FRAMES_A_SECOND), example.text or "")

    def losses(self, network: Any, batch: Tensors) -> torch.Tensor:
        """See Family.losses."""
        noisy, times, wanted = straight_path(drawn(batch))
        seen = network(
            hidden_states=noisy.to(batch["text"].dtype),
            timestep=times * STEPS,
            encoder_hidden_states=batch["text"],
            return_dict=False,
        )[0]
        return mean_of(mse_loss(seen.float(), wanted.float(), reduction="none"))

    def sample(self, prompt: Example, folder: Path, name: str, generator: torch.Generator) -> Path:
        """See Family.sample. The clip is written as an MP4."""
        made = self.pipeline(prompt.text or "", **self.wanted(generator))
        path = folder / f"{name}.mp4"
        write_clip(made.frames[0], path)
        return path

    def side(self) -> tuple[int, int]:
        """(width, height) of samples."""
        return bucket(1, 1, self.options.resolution, self.multiple)

    def wanted(self, generator: torch.Generator) -> dict[str, Any]:
        """What a sample is to be like."""
        width, height = self.side()
        return {
            "num_inference_steps": self.options.sample_steps,
            "num_frames": self.frames,
            "width": width,
            "height": height,
            "generator": generator,
            "output_type": "np",
        }


def write_clip(frames: Any, path: Path) -> None:
    """Frames (n x H x W x 3 in 0..1) as an MP4."""
    import av  # noqa: PLC0415 - only where there are clips
    import numpy  # noqa: PLC0415

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FRAMES_A_SECOND)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            pixels = (numpy.clip(frame, 0, 1) * 255).round().astype("uint8")
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
