"""LoRA on networks of diffusers that neither take nor load adapters by themselves: plain PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.utils.peft_utils import recurse_remove_peft_layers
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import save_file


def add_adapter(network: Any, config: LoraConfig) -> None:
    """Puts adapters into a network, in place."""
    if hasattr(network, "add_adapter"):
        network.add_adapter(config)
    else:
        inject_adapter_in_model(config, network)


def save_adapter(network: Any, base: str, folder: Path) -> None:
    """Writes the adapters so that PeftModel.from_pretrained(NETWORK, FOLDER) loads them."""
    state = {
        f"base_model.model.{name}": value.detach().cpu().contiguous()
        for name, value in get_peft_model_state_dict(network).items()
    }
    save_file(state, folder / "adapter_model.safetensors", {"format": "pt"})
    config = network.peft_config["default"]
    config.base_model_name_or_path = base
    config.inference_mode = True
    config.save_pretrained(folder)


def merge_adapters(network: Any) -> None:
    """Adds adapters to the weights and takes them out of the network."""
    for layer in network.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
    recurse_remove_peft_layers(network)
    del network.peft_config
