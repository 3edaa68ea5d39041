"""A base is only loaded whole where main memory has room for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models import language
from kriptik_trainer.models.language import refuse_merge

SEVEN_BILLION = SimpleNamespace(num_parameters=lambda: 7_000_000_000)


@pytest.mark.parametrize(
    ("used", "total", "kind", "fits"),
    [
        (2e9, 17e9, torch.bfloat16, True),
        (2e9, 15e9, torch.bfloat16, False),
        (2e9, 17e9, torch.float32, False),
    ],
)
def test_a_merge_that_does_not_fit_is_refused_with_figures(
    monkeypatch: pytest.MonkeyPatch, used: float, total: float, kind: torch.dtype, fits: bool
) -> None:
    memory = {"usedBytes": int(used), "totalBytes": int(total)}
    monkeypatch.setattr(language, "host_memory", lambda: memory)
    if fits:
        refuse_merge(SEVEN_BILLION, kind)
        return
    with pytest.raises(TrainerError) as caught:
        refuse_merge(SEVEN_BILLION, kind)
    assert (caught.value.code, caught.value.where) == ("mergeTooLarge", "outputs")
    assert f"{7 * kind.itemsize:.1f} GB" in caught.value.message
    assert "adapter" in str(caught.value.remedy)


def test_where_nobody_tells_the_memory_a_merge_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "host_memory", lambda: None)
    refuse_merge(SEVEN_BILLION, torch.bfloat16)
