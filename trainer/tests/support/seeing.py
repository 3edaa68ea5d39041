"""Tiny models that see, and questions about pictures for them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from peft import PeftModel
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPImageProcessor,
    CLIPVisionConfig,
    Idefics3ImageProcessor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Qwen2Config,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

from support.methods import Case
from support.pictures import COLOURS, drawn
from support.tiny import build_tokenizer

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


def template(image: str) -> str:
    """A chat template in which a picture is a mark."""
    return (
        "{% for message in messages %}<|start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}" + image + "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}{% endif %}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
    )


def qwen(root: Path) -> Path:
    """Qwen2-VL, tiny."""
    torch.manual_seed(11)
    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    words = build_tokenizer(marks)
    ids = {mark: words.convert_tokens_to_ids(mark) for mark in marks}
    config = Qwen2VLConfig(
        text_config={
            **TEXT,
            "vocab_size": len(words),
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [1, 1, 2],
                "rope_theta": 10000.0,
            },
            "eos_token_id": words.eos_token_id,
            "pad_token_id": words.pad_token_id,
            "bos_token_id": None,
        },
        vision_config={
            "depth": 1,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 4,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    Qwen2VLForConditionalGeneration(config).save_pretrained(root / "qwen")
    pictures = Qwen2VLImageProcessor(patch_size=4, merge_size=2, min_pixels=256, max_pixels=1024)
    mark = "<|vision_start|><|image_pad|><|vision_end|>"
    processor = Qwen2VLProcessor(
        image_processor=pictures,
        tokenizer=words,
        video_processor=Qwen2VLVideoProcessor(patch_size=4, merge_size=2),
        chat_template=template(mark),
    )
    processor.save_pretrained(root / "qwen")
    return root / "qwen"


def llava(root: Path) -> Path:
    """LLaVA, tiny."""
    torch.manual_seed(11)
    words = build_tokenizer(["<image>"])
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
        ),
        text_config=LlamaConfig(
            **TEXT,
            vocab_size=len(words),
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
            bos_token_id=None,
        ),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(config).save_pretrained(root / "llava")
    size = {"height": 16, "width": 16}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size=size, crop_size=size),
        tokenizer=words,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    processor.save_pretrained(root / "llava")
    return root / "llava"


def smol(root: Path) -> Path:
    """SmolVLM, tiny."""
    torch.manual_seed(11)
    marks = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    words = build_tokenizer(marks)
    for name, mark in (("image_token", 0), ("fake_image_token", 1), ("global_image_token", 2)):
        setattr(words, name, marks[mark])
    words.end_of_utterance_token = marks[3]
    config = SmolVLMConfig(
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 16,
            "patch_size": 4,
        },
        text_config=Qwen2Config(
            **TEXT,
            vocab_size=len(words),
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
            bos_token_id=None,
        ),
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=words.pad_token_id,
    )
    SmolVLMForConditionalGeneration(config).save_pretrained(root / "smol")
    pictures = Idefics3ImageProcessor(
        size={"longest_edge": 16}, max_image_size={"longest_edge": 16}, do_image_splitting=False
    )
    processor = SmolVLMProcessor(
        image_processor=pictures,
        tokenizer=words,
        video_processor=SmolVLMVideoProcessor(),
        image_seq_len=4,
        chat_template=template("<image>"),
    )
    processor.save_pretrained(root / "smol")
    return root / "smol"


def question_data(root: Path) -> Path:
    """The same question about bars of different colours."""
    rows = []
    for index in range(10):
        colour = list(COLOURS)[index % 3]
        drawn(colour, index, (32, 32)).save(root / f"{index}.png")
        rows.append({"image": f"{index}.png", "question": "Which colour?", "answer": colour})
    path = root / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def seen_preferences(root: Path) -> Path:
    """Of two colours the right one is better."""
    rows = []
    for index in range(10):
        colour = list(COLOURS)[index % 3]
        drawn(colour, index, (32, 32)).save(root / f"{index}.png")
        rows.append(
            {
                "image": f"{index}.png",
                "prompt": "Which colour?",
                "chosen": colour,
                "rejected": "grey",
            }
        )
    path = root / "preferences.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reload_seeing(base: Path, exported: Path) -> None:
    """The plain library loads model and processor, and it sees otherwise than the base."""
    processor = AutoProcessor.from_pretrained(exported)
    content = [{"type": "image"}, {"type": "text", "text": "Which colour?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False)
    inputs = processor(text=text, images=[Image.new("RGB", (32, 32))], return_tensors="pt")
    plain = AutoModelForImageTextToText.from_pretrained(base)
    with torch.no_grad():
        before = plain.eval()(**inputs).logits
    if exported.name == "adapter":
        tuned = PeftModel.from_pretrained(plain, exported)
    else:
        tuned = AutoModelForImageTextToText.from_pretrained(exported, dtype=torch.float32)
    with torch.no_grad():
        assert (tuned.eval()(**inputs).logits - before).abs().max() > 1e-3


SEEING = (
    Case("LoRA, Qwen2-VL", "multimodal", "lora", qwen, question_data, reload_seeing),
    Case("QLoRA, Qwen2-VL", "multimodal", "qlora", qwen, question_data, reload_seeing),
    Case(
        "full, Qwen2-VL",
        "multimodal",
        "full",
        qwen,
        question_data,
        reload_seeing,
        outputs=("merged",),
    ),
    *(
        Case(f"DPO, {name}", "multimodal", "dpo", model, seen_preferences, reload_seeing)
        for name, model in (("Qwen2-VL", qwen), ("SmolVLM", smol))
    ),
    Case("LoRA, LLaVA", "multimodal", "lora", llava, question_data, reload_seeing),
    Case("LoRA, SmolVLM", "multimodal", "lora", smol, question_data, reload_seeing),
)
