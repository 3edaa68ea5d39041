"""Names what went wrong: memory, disk, or a bug."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.host import device_memory, host_memory
from kriptik_trainer.world import lost

if TYPE_CHECKING:  # the spec is read with a store's help, which classifies errors
    from kriptik_trainer.spec import Hyperparameters

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXT = ("No space left", "os error 28", "File too large", "os error 27", "quota exceeded")
# torch writes its archives through C++ and reports a short write only like this.
_SHORT_WRITE = ("PytorchStreamWriter failed", "unexpected pos", "file write failed")
_LOST_TEXT = ("gloo", "NCCL", "TCPStore", "ProcessGroup", "Broken pipe", "DistNetworkError")
_MEMORY_TEXT = ("out of memory", "can't allocate memory", "Cannot allocate memory")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def is_disk_full(error: BaseException) -> bool:
    """Whether a disk or quota without room is behind an error."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in _FULL:
            return True
        if any(sign in str(one) for sign in _FULL_TEXT + _SHORT_WRITE):
            return True
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory of the machine or the GPU ran out."""
    for one in _chain(error):
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryError":
            return True
        if isinstance(one, OSError) and one.errno == errno.ENOMEM:
            return True
        if isinstance(one, RuntimeError) and any(sign in str(one) for sign in _MEMORY_TEXT):
            return True
    return False


def is_peer_lost(error: BaseException) -> bool:
    """Whether another process of the run is behind an error: gone, or waited for in vain."""
    for one in _chain(error):
        if type(one).__name__ in ("DistBackendError", "DistNetworkError", "DistStoreError"):
            return True
        if isinstance(one, RuntimeError) and any(sign in str(one) for sign in _LOST_TEXT):
            return True
    return False


_REQUESTED = re.compile(r"[Tt]ried to allocate ([0-9.]+) (bytes|KiB|MiB|GiB)")
"""What torch says, of a GPU's memory with a capital and of the machine's without one."""
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def memory_details(error: BaseException, given: Hyperparameters) -> dict[str, Any]:
    """What a run that ran out of memory had asked for; `requestedBytes` and `deviceBytes` where known."""
    asked = next((found for one in _chain(error) if (found := _REQUESTED.search(str(one)))), None)
    memory = device_memory() or host_memory()
    return {
        "batch": given.batch_size,
        "accumulation": given.gradient_accumulation,
        "maxLength": given.max_length,
        "gradientCheckpointing": given.gradient_checkpointing,
        "requestedBytes": None if asked is None else int(float(asked[1]) * _UNITS[asked[2]]),
        "deviceBytes": None if memory is None else memory["totalBytes"],
    }


def classify(
    error: BaseException, store: str, given: Hyperparameters | None = None
) -> TrainerError:
    """The error that a run reports for an exception, with figures of what was `given` where memory ran
    out."""
    if isinstance(error, TrainerError):
        return error
    if is_out_of_memory(error):
        return TrainerError(
            "outOfMemory",
            f"memory ran out: {str(error).splitlines()[0][:300] if str(error) else 'no details'}",
            "hyperparameters",
            "Halve batchSize and double gradientAccumulation, lower maxLength (or resolution, frames, "
            "seconds), switch on gradientCheckpointing, take the method lora, or a larger GPU.",
            ExitCode.OUT_OF_MEMORY,
            None if given is None else memory_details(error, given),
        )
    if is_disk_full(error):
        return TrainerError(
            "diskFull",
            "the disk of the store is full; the last verified checkpoint is untouched",
            store,
            "Free some space or raise the quota, then resume from the last checkpoint.",
            ExitCode.DISK_FULL,
        )
    first = str(error).splitlines()[0][:300] if str(error) else ""
    if is_peer_lost(error):
        return lost(f"another process of the run is gone: {first}")
    return TrainerError(
        "internal",
        f"{type(error).__name__}: {first}",
        None,
        "This is a fault of the trainer; the log holds the details to report.",
        ExitCode.INTERNAL,
    )
