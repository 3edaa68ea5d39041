"""The makers of tiny models that the end-to-end tests name."""

from __future__ import annotations

from pathlib import Path

import pytest

from make_tiny import MAKERS

SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.mark.parametrize("target", MAKERS.values(), ids=MAKERS)
def test_every_maker_is_there(target: str) -> None:
    """Looked up in the text: importing them all takes half a minute."""
    module, function = target.split(":")
    assert f"def {function}(root: Path)" in (SUPPORT / f"{module}.py").read_text()
