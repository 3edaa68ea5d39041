"""Cases of language models and models of code."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from support.methods import Case, chat_data, code_data, judged_data, preference_data, prompt_data
from support.tiny import build_model


def tiny_model(root: Path) -> Path:
    """A small model of chats."""
    return build_model(root / "model")


def tiny_code_model(root: Path) -> Path:
    """The same, with marks to fill in the middle."""
    return build_model(root / "model", extra=["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"])


def reload_language(base: Path, exported: Path) -> None:
    """The plain libraries load it, and it answers otherwise than the base."""
    tokens = torch.tensor([[5, 6, 7, 8]])
    plain = AutoModelForCausalLM.from_pretrained(base)
    if (exported / "adapter_config.json").is_file():
        with torch.no_grad():
            before = plain(tokens).logits
        tuned = PeftModel.from_pretrained(plain, exported)
    else:
        with torch.no_grad():
            before = plain(tokens).logits
        tuned = AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32)
    with torch.no_grad():
        after = tuned(tokens).logits
    assert not torch.allclose(before, after, atol=1e-3)
    assert AutoTokenizer.from_pretrained(exported).chat_template


# Drawing answers finds a better one only now and then: more steps than the others, with larger ones.
RLHF = {"completions": 4, "maxCompletion": 8, "beta": "0"}
REINFORCED = {
    "hyperparameters__maxSteps": 20,
    "hyperparameters__learningRate": "0.05",
    "hyperparameters__batchSize": 4,
    "hyperparameters__gradientAccumulation": 1,
    "hyperparameters__scheduler": "constant",
    "evaluation__everySteps": 10,
}
LANGUAGE = (
    Case("LoRA", "llm", "lora", tiny_model, chat_data, reload_language),
    Case(
        "LoRA, packed",
        "llm",
        "lora",
        tiny_model,
        chat_data,
        reload_language,
        options={"packing": True},
        changes={"hyperparameters__gradientAccumulation": 1},
    ),
    Case("full", "llm", "full", tiny_model, chat_data, reload_language, outputs=("merged",)),
    Case("QLoRA", "llm", "qlora", tiny_model, chat_data, reload_language),
    Case("DPO", "llm", "dpo", tiny_model, preference_data, reload_language),
    Case(
        "KTO",
        "llm",
        "dpo",
        tiny_model,
        judged_data,
        reload_language,
        options={"preference": "kto"},
    ),
    Case(
        "ORPO",
        "llm",
        "dpo",
        tiny_model,
        preference_data,
        reload_language,
        options={"preference": "orpo"},
    ),
    Case(
        "RLHF: reward model, RLOO",
        "llm",
        "rlhf",
        tiny_model,
        preference_data,
        reload_language,
        # With fewer answers and a reward model of fewer steps it is chance whether the policy gains.
        options={**RLHF, "completions": 8, "rewardSteps": 8},
        changes={
            **REINFORCED,
            "hyperparameters__maxSteps": 24,
            "hyperparameters__learningRate": "0.02",
        },
        stop_after=11,
    ),
    Case(
        "RLHF: checkable answers, GRPO",
        "llm",
        "rlhf",
        tiny_model,
        prompt_data,
        reload_language,
        options={**RLHF, "algorithm": "grpo", "reward": "exact"},
        changes=REINFORCED,
        stop_after=7,
    ),
    Case(
        "LoRA, filling in the middle",
        "code",
        "lora",
        tiny_code_model,
        code_data,
        reload_language,
        options={"fillInMiddle": "0.5"},
    ),
)
