"""Tiny pipelines that make clips, and data for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import torch
from diffusers import (
    AutoencoderKLWan,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from PIL import Image
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    UMT5Config,
    UMT5EncoderModel,
)

from kriptik_trainer.families.wan import write_clip
from support.methods import Case
from support.pictures import COLOURS, SMALL, WIDTH, drawn, reload_pipeline
from support.tiny import build_tokenizer

CODEC = {
    "base_dim": 3,
    "z_dim": 16,
    "dim_mult": [1, 1, 1, 1],
    "num_res_blocks": 1,
    "temperal_downsample": [False, True, True],
}


def text_parts() -> dict[str, Any]:
    """Words and a text encoder."""
    words = build_tokenizer()
    config = UMT5Config(
        vocab_size=len(words), d_model=WIDTH, d_kv=8, d_ff=64, num_layers=1, num_heads=4
    )
    return {"tokenizer": words, "text_encoder": UMT5EncoderModel(config)}


def transformer(inputs: int = 16, outputs: int = 16, **more: Any) -> WanTransformer3DModel:
    """Two blocks."""
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=inputs,
        out_channels=outputs,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
        **more,
    )


def wan(root: Path) -> Path:
    """Wan 2.1, tiny."""
    torch.manual_seed(11)
    pipeline = WanPipeline(
        **text_parts(),
        transformer=transformer(),
        vae=AutoencoderKLWan(**CODEC),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
    )
    pipeline.save_pretrained(root / "wan")
    return root / "wan"


def wan_small(root: Path) -> Path:
    """Wan 2.2 of the 5B type, tiny: an autoencoder of patches, and times for each place."""
    torch.manual_seed(11)
    codec = AutoencoderKLWan(
        **{**CODEC, "base_dim": 16},
        decoder_base_dim=16,
        is_residual=True,
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=16,
    )
    pipeline = WanPipeline(
        **text_parts(),
        transformer=transformer(),
        vae=codec,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
        expand_timesteps=True,
    )
    pipeline.save_pretrained(root / "wan22")
    return root / "wan22"


def wan_image(root: Path) -> Path:
    """Wan 2.1 that goes on from a picture, tiny."""
    torch.manual_seed(11)
    vision = CLIPVisionConfig(
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    size = {"height": 16, "width": 16}
    pipeline = WanImageToVideoPipeline(
        **text_parts(),
        transformer=transformer(36, 16, image_dim=8, added_kv_proj_dim=24),
        vae=AutoencoderKLWan(**CODEC),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        image_encoder=CLIPVisionModel(vision),
        image_processor=CLIPImageProcessor(size=size, crop_size=size),
    )
    pipeline.save_pretrained(root / "wani2v")
    return root / "wani2v"


def clip_data(root: Path) -> Path:
    """Clips of a moving bar."""
    rows = []
    for index in range(6):
        colour = list(COLOURS)[index % 3]
        frames = [numpy.asarray(drawn(colour, at, (32, 32))) / 255 for at in range(7)]
        write_clip(numpy.stack(frames), root / f"{index}.mp4")
        rows.append({"video": f"{index}.mp4", "caption": f"a {colour} bar moves"})
    path = root / "clips.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reload_clip(base: Path, exported: Path) -> None:
    """The adapter on the base, and the merged pipeline, make the same, and not what the base makes."""
    pictured = "ImageToVideo" in DiffusionPipeline.load_config(base)["_class_name"]
    more = {"image": Image.new("RGB", (32, 32), "gray")} if pictured else {}
    reload_pipeline(base, exported, num_frames=5, **more)


FEW = {**SMALL, "frames": 5}
CLIPS = (
    *(
        Case(f"LoRA, {name}", "video", "lora", model, clip_data, reload_clip, options=FEW)
        for name, model in (
            ("Wan 2.1", wan),
            ("Wan 2.2 5B", wan_small),
            ("Wan 2.1 from a picture", wan_image),
        )
    ),
    Case(
        "full, Wan 2.1",
        "video",
        "full",
        wan,
        clip_data,
        reload_clip,
        outputs=("merged",),
        options=FEW,
        changes={"hyperparameters__learningRate": "0.001"},
    ),
)
