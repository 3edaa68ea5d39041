"""Weights that break in the middle of a run: it stops, and what was saved before stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.session import Session
from kriptik_trainer.store_file import FileStore
from support.inprocess import run_attempt, weights_hash
from support.specs import changed, spec_json


def test_a_loss_that_becomes_no_number_leaves_the_last_good_checkpoint(
    tmp_path: Path, tiny: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = changed(spec_json(tmp_path, tiny, data), hyperparameters__checkpointEverySteps=2)
    alone = changed(spec, store__uri=(tmp_path / "alone").as_uri(), outputs=[])
    run_attempt(alone)
    usual = Session.step_begins

    def ruin(session: Any) -> None:
        usual(session)
        if session._progress.get("step") == 4:
            with torch.no_grad():
                session._evaluator._executor.model.get_output_embeddings().weight.fill_(torch.nan)

    monkeypatch.setattr(Session, "step_begins", ruin)
    with pytest.raises(TrainerError) as caught:
        run_attempt(spec)

    assert caught.value.code == "lossNotFinite"
    assert "step 5" in caught.value.message
    good, other = (FileStore(tmp_path / name).latest() for name in ("store", "alone"))
    assert good.stored is not None
    assert good.stored.step == 4
    assert not good.problems
    assert other.stored is not None
    same = (tmp_path / "alone" / "checkpoints" / "step-00000004").as_uri()
    assert weights_hash(good.stored.uri) == weights_hash(same)
