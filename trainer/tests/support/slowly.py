"""Steps that take their time: what a test does to a run must find it still training, on any machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kriptik_trainer.executors.base import Instruction
from kriptik_trainer.session import Session


@dataclass(frozen=True)
class Slowly:
    """Called in a process that will train: each step after step `after` takes `seconds` longer."""

    after: int
    seconds: float

    def __call__(self) -> None:
        usual = Session.step_ended

        def step_ended(session: Session, step: int, epoch: float) -> Instruction:
            if step > self.after:
                time.sleep(self.seconds)
            return usual(session, step, epoch)

        Session.step_ended = step_ended  # type: ignore[method-assign]
