"""When a freeze has to begin."""

from __future__ import annotations

import pytest

from kriptik_trainer.deadline import Deadline, Pace, decide, freeze_lead, must_end


@pytest.mark.parametrize(
    ("remaining", "expected"),
    [(None, "go"), (18.0, "go"), (17.4, "freeze"), (0.0, "freeze"), (-5.0, "freeze")],
)
def test_a_step_begins_only_if_it_and_a_checkpoint_fit(
    remaining: float | None, expected: str
) -> None:
    # 10 s worst checkpoint + a quarter + 2 s, and 3 s for the step: 17.5 s.
    assert decide(remaining, Pace(10.0, 3.0, 0)) == expected


def test_an_unknown_checkpoint_is_guessed_from_its_size() -> None:
    assert freeze_lead(Pace(None, None, 0)) == pytest.approx(3.25)
    assert freeze_lead(Pace(None, 1.0, 500_000_000)) == pytest.approx(11 * 1.25 + 2 + 1)


def test_the_earlier_clock_is_believed() -> None:
    deadline = Deadline.at(1_000.0, 900.0, 50.0)
    assert deadline.remaining(940.0, 90.0) == 60.0
    assert deadline.remaining(800.0, 90.0) == 60.0, "the wall clock was set back"
    assert deadline.remaining(980.0, 60.0) == 20.0, "the machine slept"


def test_the_process_ends_right_before_the_deadline() -> None:
    assert [must_end(left) for left in (None, 1.0, 0.5, -3.0)] == [False, False, True, True]
