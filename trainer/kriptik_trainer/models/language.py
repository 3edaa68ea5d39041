"""Loading of language models and their tokenizers, and writing what was trained."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from kriptik_trainer import sharding
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.host import host_memory
from kriptik_trainer.spec import Lora, Spec
from kriptik_trainer.tokens import PLAIN_TEMPLATE

LEARNED_POSITIONS = ("wpe", "embed_positions", "position_embeddings")
"""Names of modules that have a vector for each place in a text."""


def load_tokenizer(folder: Path, warnings: list[str]) -> Any:
    """A fast tokenizer with padding and a chat template. Raises TrainerError `tokenizerUnusable`."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise TrainerError(
            "tokenizerUnusable",
            f"the tokenizer cannot be loaded: {str(error).splitlines()[0]}",
            str(folder),
            "Check that the model folder is complete.",
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise TrainerError(
            "tokenizerUnusable",
            "the model has no fast tokenizer (tokenizer.json)",
            str(folder),
            "Convert it with AutoTokenizer.from_pretrained(...).save_pretrained(...).",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token_id is None:
        raise TrainerError(
            "tokenizerUnusable",
            "the tokenizer has neither a mark for padding nor one for the end of a text",
            str(folder),
            "Set pad_token or eos_token in its tokenizer_config.json.",
        )
    if not tokenizer.chat_template:
        tokenizer.chat_template = _beginning(tokenizer) + PLAIN_TEMPLATE
        warnings.append("the model has no chat template; a plain one is used and saved")
    return tokenizer


def _beginning(tokenizer: Any) -> str:
    """The mark that every text began with when the model was made, where its tokenizer puts one there. Some
    models make nothing of a text without it."""
    begins = tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]
    return "{{ bos_token }}" if begins and tokenizer.bos_token_id is not None else ""


def unusable(error: Exception, folder: Path, what: str) -> Exception:
    """The error to raise for a model that does not load; a failing disk is told as such."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    return TrainerError(
        "modelUnusable",
        f"the model cannot be loaded: {str(error).splitlines()[0][:300]}",
        str(folder),
        f"Check that it is {what} and that its files are complete.",
    )


def weights_type(spec: Spec) -> torch.dtype:
    """Adapters train in full precision on a base that may be held in half of it; a full fine-tune keeps
    its weights whole and computes in half, or small updates would be lost, unless the plan has no room
    for that."""
    given = spec.hyperparameters
    if spec.method != "full":
        return half_of(spec)
    return torch.bfloat16 if given.weight_precision == "bf16" else torch.float32


def half_of(spec: Spec) -> torch.dtype:
    """What a plan computes in: half precision, of the kind that the device has, or all of it."""
    halves = {"bf16": torch.bfloat16, "fp16": torch.float16}
    return halves.get(spec.hyperparameters.precision, torch.float32)


def quantization(spec: Spec) -> BitsAndBytesConfig:
    """4 bits a weight (NF4), the scales quantized as well."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=half_of(spec),
    )


def load_model(spec: Spec, folder: Path, loader: Any = AutoModelForCausalLM, **more: Any) -> Any:
    """The base as the method wants it. Raises TrainerError `modelUnusable`."""
    options: dict[str, Any] = {"dtype": weights_type(spec), **sharding.loading(spec), **more}
    if spec.method == "qlora":
        options["quantization_config"] = quantization(spec)
        if torch.cuda.is_available():
            options["device_map"] = {"": torch.cuda.current_device()}
    try:
        model = loader.from_pretrained(folder, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise unusable(error, folder, "a language model") from error
    sharding.loaded(model)
    if spec.method == "qlora":
        if "merged" in spec.outputs:
            # Now, and not when the training is paid for.
            refuse_merge(model, MERGED)
        checkpointing = spec.hyperparameters.gradient_checkpointing
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=checkpointing)
    refuse_longer(model, spec.hyperparameters.max_length)
    model.config.use_cache = False
    return model


def refuse_longer(model: Any, length: int) -> None:
    """Raises TrainerError `unsupportedSetting` for rows that are longer than a model with learned positions
    knows places; a GPU would end the process without saying why. Other kinds of positions only get worse."""
    known = getattr(model.config, "max_position_embeddings", None)
    learned = any(
        # Some keep a place or two for padding.
        isinstance(module, torch.nn.Embedding) and module.num_embeddings - (known or 0) in (0, 1, 2)
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in LEARNED_POSITIONS
    )
    if known is not None and learned and length > known:
        raise TrainerError(
            "unsupportedSetting",
            f"maxLength is {length}, and the model has no more than {known} places in a text",
            "hyperparameters.maxLength",
            f"Set it to {known} or less; longer rows are then cut.",
        )


def lora_config(lora: Lora, task: str | None = "CAUSAL_LM") -> LoraConfig:
    """The adapter that a spec asks for."""
    targets = "all-linear" if lora.targets == ("all-linear",) else list(lora.targets)
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type=task,
    )


def save_adapter(model: Any, base: str, folder: Path) -> None:
    """The adapter, naming its base by its public name."""
    for config in model.peft_config.values():
        config.base_model_name_or_path = base
    model.save_pretrained(folder, selected_adapters=["default"])


MERGED = torch.bfloat16
"""How a base of 4 bits is loaded anew, to merge an adapter into it."""


def refuse_merge(model: Any, kind: torch.dtype) -> None:
    """Raises TrainerError `mergeTooLarge` where main memory has no room for the base of a model in a type.
    The kernel would end the process without a word otherwise."""
    memory = host_memory()
    needed = int(model.num_parameters()) * kind.itemsize
    if memory is None or needed <= memory["totalBytes"] - memory["usedBytes"]:
        return
    used, total = (memory[name] / 1e9 for name in ("usedBytes", "totalBytes"))
    raise TrainerError(
        "mergeTooLarge",
        f"merging the adapter takes {needed / 1e9:.1f} GB of main memory for the whole base; "
        f"{used:.1f} of {total:.1f} GB are in use",
        "outputs",
        'Ask for the "adapter" alone, or take a machine with more main memory.',
    )


def save_merged(
    spec: Spec,
    model: Any,
    base: Path,
    folder: Path,
    loader: Any = AutoModelForCausalLM,
    weights: sharding.Tensors | None = None,
) -> None:
    """Full weights, or those given of a model that is sharded itself. Onto a base of 4 bits, or one that
    is cut into shards, nothing is merged: the base is loaded anew, whole."""
    if weights is not None:
        model.config.use_cache = True
        with sharding.as_if_whole(model):
            model.save_pretrained(folder, state_dict=weights)
        return
    if spec.method == "qlora" or sharding.is_sharded(model):
        kind = MERGED if spec.method == "qlora" else weights_type(spec)
        refuse_merge(model, kind)
        with tempfile.TemporaryDirectory(prefix="kriptik-trainer-") as scratch:
            save_adapter(model, spec.model.public_name, Path(scratch))
            whole = loader.from_pretrained(base, dtype=kind)
            model = PeftModel.from_pretrained(whole, scratch).merge_and_unload()
    elif hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model.config.use_cache = True
    model.save_pretrained(folder)


def save_output(
    name: str,
    spec: Spec,
    model: Any,
    tokenizer: Any,
    base: Path,
    folder: Path,
    weights: sharding.Tensors | None = None,
) -> None:
    """The adapter or the full weights of a language model, as the output's name says, with its tokenizer."""
    if name == "adapter":
        save_adapter(model, spec.model.public_name, folder)
    else:
        save_merged(spec, model, base, folder, weights=weights)
    tokenizer.save_pretrained(folder)
