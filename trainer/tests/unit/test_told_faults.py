"""What went wrong is told by its name, with the figures that help."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from kriptik_trainer.errors import ExitCode
from kriptik_trainer.faults import classify
from kriptik_trainer.spec import Hyperparameters, parse_spec
from support.specs import spec_json

STORE = "file:///store"


@pytest.fixture
def given() -> Hyperparameters:
    return parse_spec(spec_json(Path("/r"), Path("/m"), Path("/d"))).hyperparameters


def test_memory_that_the_machine_does_not_have_is_told_with_sizes(given: Hyperparameters) -> None:
    # More than any machine addresses: the allocator itself refuses it.
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    error = classify(caught.value, STORE, given)

    assert (error.code, error.exit_code) == ("outOfMemory", ExitCode.OUT_OF_MEMORY)
    assert error.details is not None
    assert error.details["requestedBytes"] == 1 << 60
    assert error.details["deviceBytes"] > 0
    told = ("batch", "accumulation", "maxLength", "gradientCheckpointing")
    assert [error.details[name] for name in told] == [2, 2, 64, False]
    assert "batchSize" in str(error.remedy)


def test_memory_of_a_gpu_is_told_with_sizes(given: Hyperparameters) -> None:
    text = "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 79.10 GiB"
    error = classify(torch.OutOfMemoryError(text), STORE, given)

    assert error.code == "outOfMemory"
    assert error.details is not None
    assert error.details["requestedBytes"] == 3 << 29


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (MemoryError(), "outOfMemory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "outOfMemory"),
        (OSError(errno.ENOSPC, "No space left on device"), "diskFull"),
        (RuntimeError("PytorchStreamWriter failed writing file data/3"), "diskFull"),
        (RuntimeError("Connection closed by peer [gloo]"), "peerLost"),
        (ZeroDivisionError("division by zero"), "internal"),
    ],
)
def test_each_has_its_code(problem: Exception, code: str) -> None:
    assert classify(problem, STORE).code == code


def test_what_is_behind_an_error_counts() -> None:
    error = ValueError("the archive is broken")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    assert classify(error, STORE).code == "diskFull"
