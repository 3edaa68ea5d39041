"""Shared fixtures. Libraries take seconds to import: the tests of methods share one process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that wait sleep: spinning takes many times as long on a machine that does other things too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tools")]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights in an ordinary folder."""
    from support.tiny import build_model  # noqa: PLC0415

    return build_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve good rows."""
    from support.rows import write_data  # noqa: PLC0415

    return write_data(tmp_path / "data.jsonl")
