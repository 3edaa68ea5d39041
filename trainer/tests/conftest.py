"""Shared fixtures. Libraries take seconds to import: the tests of methods share one process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadGroupScheduling

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that wait sleep: spinning takes many times as long on a machine that does other things too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tools")]

# Their costly fixtures are of a module: one process runs all of it.
TOGETHER = {"test_several.py", "test_sharded.py", "test_stages.py", "test_export.py"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadGroupScheduling:
    """Shares tests out one by one, but for some files: xdist 3.8 does not find its marks with pytest 9.2."""
    from xdist.scheduler import LoadGroupScheduling  # noqa: PLC0415

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return file if Path(file).name in TOGETHER else nodeid

    return ByFile(config, log)


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
