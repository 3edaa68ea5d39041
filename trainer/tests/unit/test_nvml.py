"""How busy the GPU is said to be."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import types
from typing import Any

import pytest

from kriptik_trainer import nvml


class Driver:
    """Answers as the library does; `answers` are the codes of the calls for the utilization."""

    def __init__(self, percent: int = 40, found: int = 0, asked: int = 0) -> None:
        self.percent, self.found, self.asked = percent, found, asked
        self.uuids: list[bytes] = []

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:  # noqa: N802
        return self.found

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, handle: Any) -> int:  # noqa: N802
        self.uuids.append(uuid)
        return self.found

    def nvmlDeviceGetUtilizationRates(self, handle: Any, used: Any) -> int:  # noqa: N802
        ctypes.cast(used, ctypes.POINTER(ctypes.c_uint))[0] = self.percent
        return self.asked


def test_a_share_is_told_of_the_gpu_with_that_uuid() -> None:
    driver = Driver(40)
    assert nvml.Gpu(driver, "GPU-1").busy() == 0.4
    assert driver.uuids == [b"GPU-1"]


@pytest.mark.parametrize("driver", [Driver(found=6), Driver(asked=3)])
def test_what_the_driver_refuses_is_an_error(driver: Driver) -> None:
    with pytest.raises(OSError, match="NVML answered"):
        nvml.Gpu(driver, None).busy()


def test_one_that_cannot_be_told_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    asked: list[int] = []

    def find() -> nvml.Gpu:
        asked.append(1)
        return nvml.Gpu(Driver(asked=3), None)

    monkeypatch.setattr(nvml, "_find", find)
    monkeypatch.setattr(nvml, "_known", [])
    assert [nvml.device_busy(), nvml.device_busy()] == [None, None]
    assert asked == [1]


def test_without_torch_nothing_is_loaded() -> None:
    code = "import sys, kriptik_trainer.nvml as n; print(n.device_busy(), 'torch' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert told.stdout.split() == ["None", "False"]
