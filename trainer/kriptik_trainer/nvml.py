"""How busy the GPU is, from the driver's own library. Nothing is installed for it: where there is a
driver, there is the library."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
SUCCESS = 0
_known: list[Gpu | None] = []


class _Utilization(ctypes.Structure):
    """`nvmlUtilization_t`: percent of the last sample period, which is a sixth of a second to one
    second long."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Gpu:
    """One GPU as NVML sees it. Raises OSError where it cannot be asked."""

    def __init__(self, library: Any, uuid: str | None) -> None:
        self._library = library
        self._handle = ctypes.c_void_p()
        self._check(library.nvmlInit_v2())
        # The order of NVML is that of the machine, not of CUDA_VISIBLE_DEVICES: only the UUID tells.
        found = (
            library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(self._handle))
            if uuid is None
            else library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(self._handle))
        )
        self._check(found)

    @staticmethod
    def _check(code: int) -> None:
        if code != SUCCESS:
            raise OSError(f"NVML answered {code}")

    def busy(self) -> float:
        """The share of the last sample period in which a kernel ran, 0 to 1."""
        used = _Utilization()
        asked = self._library.nvmlDeviceGetUtilizationRates(self._handle, ctypes.byref(used))
        self._check(asked)
        return min(1.0, int(used.gpu) / 100)


def _find() -> Gpu | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    uuid = getattr(torch.cuda.get_device_properties(torch.cuda.current_device()), "uuid", None)
    try:
        return Gpu(ctypes.CDLL(LIBRARY), None if uuid is None else f"GPU-{uuid}")
    except (OSError, AttributeError):
        return None


def device_busy() -> float | None:
    """The share of the last moments in which this process's GPU computed; None without one, and where
    it cannot be told, as on a slice of a GPU. Does not load torch to find out."""
    if "torch" not in sys.modules:
        return None
    if not _known:
        _known.append(_find())
    gpu = _known[0]
    if gpu is None:
        return None
    try:
        return gpu.busy()
    except OSError:
        _known[0] = None
        return None
