"""The ways to learn from preferences: what each takes, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.data.shapes import Example
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.dpo import judged_rows
from support.inprocess import run_attempt, weights_hash
from support.methods import judged_data, lines, preference_data
from support.specs import changed, spec_json

ASKED = ({"role": "user", "content": "resume?"},)


def test_a_pair_is_a_good_and_a_bad_answer_in_an_order_of_the_seed() -> None:
    pairs = [
        ("f", Example(n, ASKED, None, chosen=f"good {n}", rejected=f"bad {n}")) for n in range(20)
    ]
    rows = judged_rows(pairs, 7)

    assert len(rows) == 40
    assert all(row["completion"][0]["content"].startswith("good") is row["label"] for row in rows)
    assert rows == judged_rows(pairs, 7)
    assert rows != judged_rows(pairs, 8)
    together = [rows[at]["label"] is not rows[at + 1]["label"] for at in range(0, 40, 2)]
    assert not all(together), "a good answer must not always share its batch with the bad one"


def preferring(root: Path, tiny: Path, data: Path, **options: Any) -> dict[str, Any]:
    method = {"name": "dpo", "lora": {"r": 4, "targets": ["all-linear"]}, "options": options}
    return changed(spec_json(root, tiny, data), method=method, outputs=[])


def test_each_way_ends_with_weights_of_its_own(tmp_path: Path, tiny: Path) -> None:
    data = preference_data(tmp_path)
    ends = []
    for name in ("dpo", "kto", "orpo"):
        spec = preferring(tmp_path, tiny, data, preference=name)
        done = run_attempt(changed(spec, store__uri=(tmp_path / name).as_uri()))
        ends.append(weights_hash(done.status["lastCheckpoint"]["uri"]))

    assert ends[0] != ends[1] != ends[2] != ends[0]


def test_kto_with_one_answer_in_a_batch_is_refused(tmp_path: Path, tiny: Path) -> None:
    spec = preferring(tmp_path, tiny, judged_data(tmp_path), preference="kto")
    with pytest.raises(TrainerError, match="one in each") as caught:
        run_attempt(changed(spec, hyperparameters__batchSize=1))
    assert caught.value.where == "hyperparameters.batchSize"


def test_answers_of_one_kind_teach_no_preference(tmp_path: Path, tiny: Path) -> None:
    rows = [{"prompt": f"{n}?", "completion": "freeze", "label": True} for n in range(6)]
    data = lines(tmp_path / "judged.jsonl", rows)
    with pytest.raises(TrainerError, match="6 good answers and 0 bad ones") as caught:
        run_attempt(preferring(tmp_path, tiny, data, preference="kto"))
    assert caught.value.code == "oneSided"
