"""When a run has to start saving so that it is saved and gone by its deadline. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

FIXED_MARGIN_SECONDS = 2.0
"""Time for the process to end, and for the clock and the scheduler to be a little off."""

CHECKPOINT_MARGIN = 0.25
"""A checkpoint may take this share longer than the worst one seen: disks and networks vary."""

ASSUMED_WRITE_BYTES_PER_SECOND = 50e6
"""A slow disk; stands in for a measurement until the first checkpoint is written."""

HARD_STOP_SECONDS = 0.5
"""This long before the deadline the process ends whatever it is doing."""

Decision = Literal["go", "freeze"]


@dataclass(frozen=True)
class Pace:
    """What was measured, in seconds; None until it was."""

    worst_checkpoint: float | None
    worst_step: float | None
    state_bytes: int


def checkpoint_seconds(pace: Pace) -> float:
    """Time to allow for one checkpoint, margin included."""
    if pace.worst_checkpoint is None:
        expected = 1.0 + pace.state_bytes / ASSUMED_WRITE_BYTES_PER_SECOND
    else:
        expected = pace.worst_checkpoint
    return expected * (1 + CHECKPOINT_MARGIN) + FIXED_MARGIN_SECONDS


def freeze_lead(pace: Pace) -> float:
    """Seconds before the deadline at which a freeze must have begun: a checkpoint and one step.

    The step counts because a freeze can only begin between steps: deciding to go on costs one more.
    """
    return checkpoint_seconds(pace) + (pace.worst_step or 0.0)


def decide(remaining: float | None, pace: Pace) -> Decision:
    """Whether another step may begin. `remaining` is seconds to the deadline, None without one."""
    if remaining is None or remaining > freeze_lead(pace):
        return "go"
    return "freeze"


def must_end(remaining: float | None) -> bool:
    """Whether the process has to end now, saved or not."""
    return remaining is not None and remaining <= HARD_STOP_SECONDS


@dataclass(frozen=True)
class Deadline:
    """A moment on both clocks.

    The wall clock may be set back and the monotonic one stands still while a machine sleeps; the
    earlier of the two is believed, so an error ends a run early and never late.
    """

    wall: float
    monotonic: float

    @staticmethod
    def at(
        wall: float | None, wall_now: float, monotonic_now: float, within: float | None = None
    ) -> Deadline | None:
        """The deadline `wall` (seconds since the epoch), noted at the given readings, or so many seconds
        `within` which it is, whichever is earlier; None where neither is given."""
        if wall is None and within is None:
            return None
        by_wall = math.inf if wall is None else wall - wall_now
        left = min(by_wall, math.inf if within is None else within)
        return Deadline(wall_now + left if wall is None else wall, monotonic_now + left)

    def remaining(self, wall_now: float, monotonic_now: float) -> float:
        """Seconds left, negative when it has passed."""
        return min(self.wall - wall_now, self.monotonic - monotonic_now)
