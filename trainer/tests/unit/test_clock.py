"""A wall clock that is set while a run trains: no run outlasts its budget for it, and none seems to hang."""

from __future__ import annotations

import pytest

from kriptik_trainer.deadline import decide
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.progress import Clock, Progress
from kriptik_trainer.timestamps import from_rfc3339

HOUR = 3600.0


class Clocks:
    """A wall clock that somebody sets, and one that nobody does."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.steady = 50.0
        self.progress = Progress(
            "ns/job", "a1", Mailbox(), Clock(lambda: self.wall, lambda: self.steady)
        )

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.mark.parametrize(
    ("set_by", "left"), [(-HOUR, 40.0), (0.0, 40.0), (30.0, 10.0), (HOUR, 60.0 - 20.0 - HOUR)]
)
def test_time_runs_out_at_the_earlier_of_both_clocks(set_by: float, left: float) -> None:
    clocks = Clocks()
    clocks.progress.set_deadline(clocks.wall + 60.0)
    clocks.pass_time(20.0)
    clocks.wall += set_by

    assert clocks.progress.remaining() == pytest.approx(left)
    wanted = "go" if left > 15 else "freeze"
    clocks.progress.checkpoint_took(8.0)
    assert decide(clocks.progress.remaining(), clocks.progress.pace()) == wanted


def test_a_deadline_in_seconds_does_not_ask_the_wall_clock_where_it_is_wrong() -> None:
    clocks = Clocks()
    clocks.wall -= 10 * HOUR
    clocks.progress.set_deadline(1_800_000_000.0 + HOUR, 90.0)
    clocks.pass_time(30.0)

    assert clocks.progress.remaining() == pytest.approx(60.0)


@pytest.mark.parametrize("set_by", [-HOUR, HOUR])
def test_progress_goes_on_by_the_clock_that_nobody_sets(set_by: float) -> None:
    clocks = Clocks()
    clocks.progress.step_done(1, 0.1, 1.0, 4)
    clocks.wall += set_by
    clocks.pass_time(5.0)
    clocks.progress.step_done(2, 0.2, 1.0, 4)

    told = from_rfc3339(clocks.progress.get("lastProgressAt"))
    assert told == pytest.approx(1_800_000_005.0, abs=1)
    assert clocks.progress.still_for() == 0.0
    assert clocks.progress.get("secondsPerStep") == 1.0
