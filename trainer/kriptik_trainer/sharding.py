"""Weights, gradients and the optimizer's state cut into shards, one for each process of a run (Zhao et al.
2023, FSDP; torch's `fully_shard`), so that a model may be larger than one GPU.

transformers cuts a model while it loads it, so no process ever holds all of it. What is saved is whole: the
files of a checkpoint are those of a run whose processes hold the whole model each, and either kind of run,
with any number of processes, goes on from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map
from transformers.distributed import DistributedConfig
from transformers.distributed.utils import gather_full_state_dict

from kriptik_trainer.spec import Spec

Tensors = dict[str, torch.Tensor]


def loading(spec: Spec) -> dict[str, Any]:
    """What `from_pretrained` is told so that it loads this process's shard only; nothing where each process
    holds the whole model. Trained weights of 32 bits are gathered in 16 where a layer computes in them, and
    gradients are summed in 32."""
    if spec.parallelism != "sharded":
        return {}
    half = spec.hyperparameters.precision == "bf16" and spec.method == "full"
    size = distributed.get_world_size()
    return {"distributed_config": DistributedConfig(fsdp_size=size, fsdp_mixed_precision=half)}


def loaded(model: Any) -> None:
    """After loading. PEFT takes a size of one for tensor parallelism too, and would gather all weights of
    the base whenever it saves or loads an adapter."""
    if is_sharded(model):
        model._tp_size = None


def is_sharded(model: Any) -> bool:
    """Whether the weights of a model are cut into shards; adapters on it are not."""
    return bool(getattr(model, "is_distributed_loading_by_transformers", False))


def held(model: Any) -> int:
    """How many of the parameters of a model are in this process's memory."""
    return sum(_local(parameter).numel() for parameter in model.parameters())


def _local(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def cut_again(model: Any) -> None:
    """Frees what a pass has gathered. Only a backward pass does so for the last layers, and an optimizer
    that is made before it would train weights of which nobody else knows."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def whole_weights(model: Any) -> Tensors:
    """All weights, in main memory, in the first process and {} in the others. All have to call it.

    One that stands under two names, as embeddings that are the last layer too, is there once, as in the
    files of models: brought together, the names would be tensors of their own.
    """
    twice = model.all_tied_weights_keys
    gathered: Tensors = gather_full_state_dict(model)
    return {name: tensor for name, tensor in gathered.items() if name not in twice}


def whole_optimizer(optimizer: Any) -> dict[str, Any]:
    """The state of an optimizer with all of its tensors, in main memory, in the first process; the others
    have to call it too, and get one of no use."""
    leads = distributed.get_rank() == 0

    def gathered(value: Any) -> Any:
        if not isinstance(value, DTensor):
            return value
        # One after the other, for all of them together may be more than a GPU holds.
        whole = value.full_tensor()
        return whole.cpu() if leads else None

    state: dict[str, Any] = tree_map(gathered, optimizer.state_dict())
    return state


def take_weights(model: Any, folder: Path) -> None:
    """Takes this process's shard of the weights that were saved to a folder. All have to call it."""
    saved = type(model).from_pretrained(
        folder, dtype=model.dtype, distributed_config=model.config.distributed_config
    )
    found = dict(saved.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            _local(parameter).copy_(_local(found[name]))


def take_optimizer(optimizer: Any, state: dict[str, Any]) -> None:
    """Takes this process's shards of a whole state."""
    parameters = [one for group in optimizer.param_groups for one in group["params"]]

    def cut(parameter: torch.Tensor, value: Any) -> Any:
        if not isinstance(parameter, DTensor) or not isinstance(value, torch.Tensor):
            return value
        if value.shape != parameter.shape:
            return value
        whole = value.to(parameter.device)
        # Each process has read the whole of it: nothing needs to be sent.
        return distribute_tensor(
            whole, parameter.device_mesh, parameter.placements, src_data_rank=None
        )

    shards = {
        index: {name: cut(parameters[index], value) for name, value in one.items()}
        for index, one in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": shards})


@contextmanager
def as_if_whole(model: Any) -> Iterator[None]:
    """Within it a model that is given all of its weights is saved by this process alone, without asking
    the others for their shards."""
    kept, model.config.distributed_config = model.config.distributed_config, None
    try:
        yield
    finally:
        model.config.distributed_config = kept


def average_gradients_of_adapters(model: Any, is_last: Any) -> None:
    """Adapters lie whole on a sharded model, in each process: makes them equal, and their gradients too,
    at the end of a micro-batch for which `is_last()` holds."""
    size = distributed.get_world_size()

    def average(parameter: torch.nn.Parameter) -> None:
        if is_last() and parameter.grad is not None:
            # Gloo has no mean of its own.
            distributed.all_reduce(parameter.grad)
            parameter.grad /= size

    for parameter in model.parameters():
        if parameter.requires_grad and not isinstance(parameter, DTensor):
            distributed.broadcast(parameter.data, src=0)
            parameter.register_post_accumulate_grad_hook(average)
