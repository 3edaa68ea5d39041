"""Methods that two processes train together: a stop and a resume change nothing there either.

The cases share two processes, for importing the libraries takes longer than training does.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from support.forked import Forked
from support.process import PATIENCE
from support.specs import spec_json
from support.team import free_port

NAMES = ("image: LoRA, SD 1.5", "llm: full")
"""One for each of the two loops."""


def test_two_processes_resume_exactly_with_either_loop(tmp_path: Path) -> None:
    (tmp_path / "any.json").write_text(json.dumps(spec_json(tmp_path, tmp_path, tmp_path)))
    ports = ",".join(str(free_port()) for _ in range(3 * len(NAMES)))
    processes = [
        Forked(
            "support.pair:main",
            [str(rank), ports, str(tmp_path), *NAMES],
            {**os.environ, "OMP_NUM_THREADS": "1"},
            tmp_path / f"{rank}.log",
        )
        for rank in (0, 1)
    ]
    try:
        for process in processes:
            process.wait(3 * PATIENCE)
    finally:
        for process in processes:
            process.kill()
            process.wait()

    found = json.loads((tmp_path / "result.json").read_text())
    assert set(found) == set(NAMES)
    for name, proof in found.items():
        assert "error" not in proof, proof["error"]
        assert proof["resumed"] == proof["undisturbed"], name
        assert proof["halfway"] != proof["undisturbed"], "the steps after the stop moved weights"
