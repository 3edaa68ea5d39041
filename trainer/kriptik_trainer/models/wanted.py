"""Which files of a model on the Hub are needed. Many models lie there several times over: in other
precisions, for other libraries and as one file beside the parts. A rented GPU waits for each gigabyte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

TEXTS = (".json", ".txt", ".model", ".jinja")
PLAIN = re.compile(r"(pytorch_model|diffusion_pytorch_model)(-\d+-of-\d+)?\.bin")
"""Weights in torch's own format, as the libraries write them."""
WHOLE = re.compile(r"(diffusion_pytorch_)?model\b.*\.safetensors")
"""The weights of the model itself; an adapter beside them stands in for nothing."""
VARIANT = re.compile(r"\.(fp16|bf16|fp32|non_ema|ema|ema_only)(?=[.-])")
"""A second set of the same weights: model.fp16.safetensors beside model.safetensors."""
TWICE = re.compile(r"consolidated.*\.(safetensors|pth)")
"""The same weights once more, for the library of those who made the model."""
UNUSED = ("safety_checker",)
BESIDE = ("vocoder",)
"""Folders with weights of their own in what is not a pipeline."""


def wanted_files(names: Sequence[str]) -> list[str]:
    """The files of a repository, by their paths in it, that loading the model may read."""
    pipeline = "model_index.json" in names
    tensors = {folder_of(name) for name in names if WHOLE.match(PurePosixPath(name).name)}

    def is_wanted(name: str) -> bool:
        path, folder = PurePosixPath(name), folder_of(name)
        if path.suffix in TEXTS:
            return True
        if TWICE.fullmatch(path.name) or _has_plainer(name, names):
            return False
        if folder == "." and pipeline or folder in UNUSED:
            return False
        if folder != "." and not pipeline and folder not in BESIDE:
            return False
        if path.suffix == ".safetensors":
            return True
        if path.suffix == ".pth":
            return folder == "."
        return PLAIN.fullmatch(path.name) is not None and folder not in tensors

    return [name for name in names if is_wanted(name)]


def folder_of(name: str) -> str:
    """The folder of a file; `.` for the repository itself."""
    return PurePosixPath(name).parent.as_posix()


def _has_plainer(name: str, names: Sequence[str]) -> bool:
    """Whether a file is a variant of weights that are there without it, in one file or in several."""
    found = VARIANT.search(PurePosixPath(name).name)
    if found is None:
        return False
    stem = PurePosixPath(name).name[: found.start()]
    plain = re.compile(rf"{re.escape(stem)}(-\d+-of-\d+)?{re.escape(PurePosixPath(name).suffix)}")
    same = (PurePosixPath(one).name for one in names if folder_of(one) == folder_of(name))
    return any(plain.fullmatch(one) for one in same)
