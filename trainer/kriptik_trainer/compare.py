"""Answers of the base and the tuned model to the same prompts, side by side."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import Any

from kriptik_trainer.data.issues import DataError, Issues
from kriptik_trainer.data.jsonl import rows
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models.resolve import resolve
from kriptik_trainer.store import path_of
from kriptik_trainer.tokens import PLAIN_TEMPLATE

PROMPT_FIELDS = ("prompt", "question", "instruction")


def read_prompts(path: Path) -> list[dict[str, str | None]]:
    """Prompts of a JSONL file, with what is expected where it says so. Raises TrainerError."""
    issues = Issues(str(path))
    found: list[dict[str, str | None]] = []
    try:
        for line, row in rows(path, issues):
            name = next((name for name in PROMPT_FIELDS if isinstance(row.get(name), str)), None)
            if name is None:
                issues.add(
                    "missingField",
                    "the row has no prompt",
                    'Write {"prompt": ".."} on each line.',
                    line,
                    "prompt",
                )
                continue
            expected = row.get("expected")
            found.append(
                {"prompt": row[name], "expected": expected if isinstance(expected, str) else None}
            )
    except DataError as error:
        raise error.issue.to_error() from error
    except OSError as error:
        raise TrainerError(
            "missingFile",
            f"the prompts cannot be read: {error.strerror}",
            str(path),
            "Check the path.",
        ) from error
    if issues.found:
        raise issues.found[0].to_error(more=issues.count - 1)
    return found


def _folder(name: str) -> Path:
    if name.startswith("file://"):
        return path_of(name)
    return resolve(name, None, lambda _: None) if "://" in name else Path(name)


def _load(folder: Path, base: Path) -> tuple[Any, Any]:
    import torch  # noqa: PLC0415 - seconds
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    is_adapter = (folder / "adapter_config.json").is_file()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(base if is_adapter else folder, dtype=dtype)
        if is_adapter:
            from peft import PeftModel  # noqa: PLC0415

            model = PeftModel.from_pretrained(model, folder)
    except (OSError, ValueError) as error:
        raise TrainerError(
            "modelUnusable",
            f"the model cannot be loaded: {str(error).splitlines()[0][:300]}",
            str(folder),
            "Name a folder with a model or an adapter.",
        ) from error
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return model.to(device).eval(), tokenizer


def answers(folder: Path, base: Path, prompts: list[str], max_new_tokens: int) -> list[str]:
    """Greedy answers of one model, which is loaded and let go of."""
    import torch  # noqa: PLC0415

    model, tokenizer = _load(folder, base)
    found = []
    for prompt in prompts:
        inputs = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            )
        new = output[0][inputs["input_ids"].shape[1] :]
        found.append(tokenizer.decode(new, skip_special_tokens=True).strip())
    del model
    gc.collect()
    return found


def compare(
    base: str, tuned: str, prompts: list[str], file: Path | None, max_new_tokens: int
) -> dict[str, Any]:
    """Both models' answers as JSON, with `expected` where the prompt file has it."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    asked: list[dict[str, str | None]] = [{"prompt": p, "expected": None} for p in prompts]
    if file is not None:
        asked += read_prompts(file)
    texts = [str(one["prompt"]) for one in asked]
    if not texts:
        raise TrainerError(
            "noPrompts", "there is nothing to ask", None, "Give --prompt or --prompts."
        )
    base_folder = _folder(base)
    began = time.monotonic()
    before = answers(base_folder, base_folder, texts, max_new_tokens)
    after = answers(_folder(tuned), base_folder, texts, max_new_tokens)
    return {
        "base": base,
        "tuned": tuned,
        "maxNewTokens": max_new_tokens,
        "seconds": round(time.monotonic() - began, 2),
        "results": [
            {"prompt": one["prompt"], "base": b, "tuned": t, "expected": one["expected"]}
            for one, b, t in zip(asked, before, after, strict=True)
        ],
    }
