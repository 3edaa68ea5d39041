"""Loading of libraries, which is most of what passes until the first step of a run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEEN_OR_HEARD = ("scipy", "torchaudio", "torchvision")
"""What only the packages of pictures, clips and sound bring; a base install has none of it."""

UNUSED: dict[str, tuple[str, ...]] = {"llm": SEEN_OR_HEARD, "code": SEEN_OR_HEARD}
"""By modality; others use nearly everything."""


def leave_out(modality: str) -> None:
    """Keeps libraries from importing what they find installed, though this run has no use for it: it is
    then as if it were not. A second of CPU where all families are installed."""
    modules: dict[str, Any] = sys.modules
    for name in UNUSED.get(modality, ()):
        # With None for a module Python finds none of that name.
        modules.setdefault(name, None)


@contextmanager
def loading() -> Iterator[None]:
    """For imports: does without the collector of cycles, which would go through a million objects that
    stay anyway, again and again. Later it does not look at them either."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()
