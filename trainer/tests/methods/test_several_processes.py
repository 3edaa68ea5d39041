"""Methods that two processes train together: a stop and a resume change nothing there either.

The cases share two processes, for importing the libraries takes longer than training does.
"""

from __future__ import annotations

import json
from pathlib import Path

from support.specs import spec_json
from support.team import run_pair

NAMES = ("image: LoRA, SD 1.5", "llm: full")
"""One for each of the two loops."""


def test_two_processes_resume_exactly_with_either_loop(tmp_path: Path) -> None:
    (tmp_path / "any.json").write_text(json.dumps(spec_json(tmp_path, tmp_path, tmp_path)))
    run_pair("support.pair:main", tmp_path, NAMES, 3)

    found = json.loads((tmp_path / "result.json").read_text())
    assert set(found) == set(NAMES)
    for name, proof in found.items():
        assert "error" not in proof, proof["error"]
        assert proof["resumed"] == proof["undisturbed"], name
        assert proof["halfway"] != proof["undisturbed"], "the steps after the stop moved weights"
