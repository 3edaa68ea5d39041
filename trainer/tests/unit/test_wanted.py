"""What is fetched of repositories that hold the same weights more than once."""

from __future__ import annotations

import pytest

from kriptik_trainer.models.wanted import wanted_files

PIPELINE = {
    "model_index.json": True,
    "sd_xl_base_1.0.safetensors": False,
    "scheduler/scheduler_config.json": True,
    "tokenizer/vocab.json": True,
    "tokenizer/merges.txt": True,
    "text_encoder/model.safetensors": True,
    "text_encoder/model.fp16.safetensors": False,
    "text_encoder/pytorch_model.bin": False,
    "text_encoder/openvino_model.bin": False,
    "text_encoder/flax_model.msgpack": False,
    "unet/diffusion_pytorch_model.safetensors": True,
    "unet/diffusion_pytorch_model.non_ema.safetensors": False,
    "vae_1_0/diffusion_pytorch_model.fp16.safetensors": True,
    "safety_checker/model.safetensors": False,
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors": True,
    "transformer/diffusion_pytorch_model.bf16-00001-of-00002.safetensors": False,
    "README.md": False,
}
LANGUAGE = {
    "config.json": True,
    "tokenizer.json": True,
    "tokenizer.model": True,
    "chat_template.jinja": True,
    "model-00001-of-00002.safetensors": True,
    "model.safetensors.index.json": True,
    "pytorch_model-00001-of-00002.bin": False,
    "consolidated.safetensors": False,
    "original/consolidated.00.pth": False,
    "original/model--00001-of-00007.safetensors": False,
    "onnx/model.onnx": False,
    "metal/model.bin": False,
}
OLD = {"config.json": True, "pytorch_model.bin": True, "tf_model.h5": False, "spm_char.model": True}
VOICE = {"config.json": True, "model.pth": True, "dvae.pth": True, "speakers_xtts.pth": True}
WITH_VOCODER = {"config.json": True, "model.safetensors": True, "vocoder/pytorch_model.bin": True}


@pytest.mark.parametrize(
    "files",
    [PIPELINE, LANGUAGE, OLD, VOICE, WITH_VOCODER],
    ids=["a pipeline", "a language model", "weights of torch only", "a voice", "with a vocoder"],
)
def test_nothing_is_fetched_twice(files: dict[str, bool]) -> None:
    assert wanted_files(list(files)) == [name for name, needed in files.items() if needed]
