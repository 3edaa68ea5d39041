"""Log lines for people on stdout; programs read the control protocol instead."""

from __future__ import annotations

import sys
import time
from typing import Literal

from kriptik_trainer.timestamps import to_rfc3339


def log(text: str, level: Literal["INFO", "WARN", "ERROR"] = "INFO") -> None:
    """Writes one line with time and level. A reader that has gone away is no reason to stop."""
    try:
        sys.stdout.write(f"{to_rfc3339(time.time())} {level} {text}\n")
        sys.stdout.flush()
    except OSError:
        pass
