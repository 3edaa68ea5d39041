"""Tiny pipelines that make pictures and clips, and data for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.utils.logging import disable_progress_bar
from PIL import Image
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
)

from support.methods import Case
from support.tiny import build_tokenizer

disable_progress_bar()
WIDTH = 32


def clip_tokenizer(root: Path) -> CLIPTokenizer:
    """Letters, each alone and at the end of a word."""
    letters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{one}</w>" for one in letters)]
    vocab = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=24)


def clip_text(vocabulary: int, projection: bool = False) -> Any:
    """A text encoder of two layers."""
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=24,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def picture_codec(channels: int = 4, **more: Any) -> AutoencoderKL:
    """Halves each side once."""
    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=32,
        **more,
    )


def unet(**more: Any) -> UNet2DConditionModel:
    """Two levels with attention."""
    return UNet2DConditionModel(
        block_out_channels=(16, 32),
        layers_per_block=1,
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
        **more,
    )


def stable_diffusion(root: Path) -> Path:
    """Stable Diffusion 1.5, tiny."""
    torch.manual_seed(11)
    tokenizer = clip_tokenizer(root)
    pipeline = StableDiffusionPipeline(
        vae=picture_codec(),
        text_encoder=clip_text(len(tokenizer)),
        tokenizer=tokenizer,
        unet=unet(cross_attention_dim=WIDTH, attention_head_dim=8),
        scheduler=DDIMScheduler(clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(root / "sd15")
    return root / "sd15"


def stable_diffusion_xl(root: Path) -> Path:
    """Stable Diffusion XL, tiny."""
    torch.manual_seed(11)
    tokenizer = clip_tokenizer(root)
    network = unet(
        cross_attention_dim=2 * WIDTH,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
    )
    pipeline = StableDiffusionXLPipeline(
        vae=picture_codec(),
        text_encoder=clip_text(len(tokenizer)),
        text_encoder_2=clip_text(len(tokenizer), projection=True),
        tokenizer=tokenizer,
        tokenizer_2=clip_tokenizer(root),
        unet=network,
        scheduler=EulerDiscreteScheduler(),
    )
    pipeline.save_pretrained(root / "sdxl")
    return root / "sdxl"


def flux(root: Path) -> Path:
    """Flux, tiny."""
    torch.manual_seed(11)
    tokenizer = clip_tokenizer(root)
    words = build_tokenizer()
    words.model_max_length = 24
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )
    pipeline = FluxPipeline(
        vae=picture_codec(shift_factor=0.1, scaling_factor=0.4),
        text_encoder=clip_text(len(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=T5EncoderModel(
            T5Config(
                vocab_size=len(words), d_model=WIDTH, d_kv=8, d_ff=64, num_layers=1, num_heads=4
            )
        ),
        tokenizer_2=words,
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    pipeline.save_pretrained(root / "flux")
    return root / "flux"


COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}


def drawn(colour: str, index: int, size: tuple[int, int]) -> Image.Image:
    """A bar on a plain ground."""
    pixels = numpy.zeros((size[1], size[0], 3), dtype="uint8")
    pixels[:] = 20
    pixels[:, index % size[0] : index % size[0] + size[0] // 2] = COLOURS[colour]
    return Image.fromarray(pixels)


def picture_folder(root: Path) -> Path:
    """Pictures of two shapes with captions beside them, and one file that is no picture."""
    folder = root / "pictures"
    folder.mkdir()
    for index in range(12):
        colour = list(COLOURS)[index % 3]
        size = (48, 32) if index % 4 == 0 else (32, 32)
        drawn(colour, index, size).save(folder / f"{index:02}.png")
        (folder / f"{index:02}.txt").write_text(f"a {colour} bar\n")
    return folder


def subject_folder(root: Path) -> Path:
    """Pictures of one thing without captions."""
    folder = root / "subject"
    folder.mkdir()
    for index in range(6):
        drawn("red", index, (32, 32)).save(folder / f"{index}.jpg")
    return folder


def made(pipeline: Any, prompt: str, **more: Any) -> numpy.ndarray[Any, Any]:
    """What a pipeline makes of a prompt, always from the same noise."""
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(5)
    answer = pipeline(
        prompt=prompt,
        num_inference_steps=2,
        width=32,
        height=32,
        generator=generator,
        output_type="np",
        **more,
    )
    return numpy.asarray(answer.frames if hasattr(answer, "frames") else answer.images)


def reload_pipeline(base: Path, exported: Path, **more: Any) -> None:
    """The adapter on the base, and the merged pipeline, make the same, and not what the base makes."""
    plain = DiffusionPipeline.from_pretrained(base)
    before = made(plain, "a red bar", **more)
    merged = exported.with_name("merged")
    if exported.name == "adapter":
        plain.load_lora_weights(exported)
        after = made(plain, "a red bar", **more)
    if merged.is_dir():
        other = made(DiffusionPipeline.from_pretrained(merged), "a red bar", **more)
        if exported.name == "adapter":
            numpy.testing.assert_allclose(after, other, atol=1e-3)
        after = other
    assert numpy.abs(after - before).max() > 1e-4


def reload_word(base: Path, exported: Path) -> None:
    """The word can be used in a prompt, and means something, loaded as the model card says."""
    before = made(DiffusionPipeline.from_pretrained(base), "a photo of <bar>")
    card = (exported / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code.replace("PATH", str(exported)).replace("test/tiny", str(base)), names)
    assert numpy.abs(made(names["pipeline"], "a photo of <bar>") - before).max() > 1e-5


SMALL = {"resolution": 32, "sampleSteps": 2}
DREAM = {**SMALL, "subjectPrompt": "a sks bar", "classPrompt": "a bar", "classImages": 2}
WORD = {**SMALL, "token": "<bar>", "initializer": "bar"}
PICTURES = (
    *(
        Case(
            f"LoRA, {name}",
            "image",
            "lora",
            model,
            picture_folder,
            reload_pipeline,
            format="folder",
            options=SMALL,
            changes={"method__lora__targets": ["to_q", "to_k", "to_v", "to_out.0"]},
        )
        for name, model in (
            ("SD 1.5", stable_diffusion),
            ("SDXL", stable_diffusion_xl),
            ("Flux", flux),
        )
    ),
    *(
        Case(
            f"full, {name}",
            "image",
            "full",
            model,
            picture_folder,
            reload_pipeline,
            outputs=("merged",),
            format="folder",
            options=SMALL,
            changes={"hyperparameters__learningRate": "0.001"},
        )
        for name, model in (
            ("SD 1.5", stable_diffusion),
            ("SDXL", stable_diffusion_xl),
            ("Flux", flux),
        )
    ),
    *(
        Case(
            f"DreamBooth, {name}",
            "image",
            "dreambooth",
            model,
            subject_folder,
            reload_pipeline,
            outputs=("adapter",),
            format="folder",
            options=DREAM,
        )
        for name, model in (
            ("SD 1.5", stable_diffusion),
            ("SDXL", stable_diffusion_xl),
            ("Flux", flux),
        )
    ),
    *(
        Case(
            f"textual inversion, {name}",
            "image",
            "textual-inversion",
            model,
            subject_folder,
            reload_word,
            outputs=("adapter",),
            format="folder",
            options=WORD,
            changes={"hyperparameters__learningRate": "0.05"},
        )
        for name, model in (
            ("SD 1.5", stable_diffusion),
            ("SDXL", stable_diffusion_xl),
            ("Flux", flux),
        )
    ),
)
