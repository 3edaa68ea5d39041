"""Tiny models that score pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

from support.pictures import WIDTH, clip_tokenizer

LAYERS = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 1}


def clip_model(root: Path) -> Path:
    """CLIP, tiny, with random weights, in an ordinary model folder."""
    torch.manual_seed(5)
    tokenizer = clip_tokenizer(root)
    config = CLIPConfig(
        text_config={
            **LAYERS,
            "num_attention_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 24,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 1,
        },
        vision_config={**LAYERS, "num_attention_heads": 2, "image_size": 16, "patch_size": 8},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(root / "clip")
    size = {"height": 16, "width": 16}
    pictures = CLIPImageProcessor(size=size, crop_size=size)
    CLIPProcessor(image_processor=pictures, tokenizer=tokenizer).save_pretrained(root / "clip")
    return root / "clip"
