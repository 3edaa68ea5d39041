"""Rows that share a sequence do not see each other."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from kriptik_trainer.packing import PackedCollator, pack
from kriptik_trainer.tokens import Encoded


def test_a_packed_row_is_seen_as_if_it_were_alone(tiny: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    rows = [Encoded(list(range(at, at + size)), [0] * size, size) for at, size in ((5, 6), (40, 4))]
    batch = PackedCollator(0)(pack(rows, 16))
    with torch.no_grad():
        together = model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False
        ).logits[0]
        alone = [model(input_ids=torch.tensor([row.input_ids])).logits[0] for row in rows]

    torch.testing.assert_close(together[:6], alone[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[6:10], alone[1], atol=1e-5, rtol=1e-4)
