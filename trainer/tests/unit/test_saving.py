"""What a run does when its store does not take a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.progress import Clock, Progress, Reason
from kriptik_trainer.saving import Saver
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store import Stored
from kriptik_trainer.watchdog import Watchdog
from support.specs import spec_json

AWAY = TrainerError("storeUnreachable", "no answer", "s3://x", "Wait.", ExitCode.STORE)
BUSY = TrainerError("storeBusy", "another trainer writes", "s3://x", "Wait.")
SAVED = Stored("file:///s", Path("/s"), 5, "0" * 64, 1, "2026-01-01T00:00:00Z")


class Flaky:
    """A store that refuses the first saves."""

    def __init__(self, refusals: list[Exception]) -> None:
        self.refusals = refusals
        self.tries = 0
        self.protected: tuple[str, ...] = ()

    def rotate(self, _keep: int, protect: tuple[str, ...]) -> None:
        self.protected = protect

    def save(self, *_: Any) -> Stored:
        self.tries += 1
        if self.refusals:
            raise self.refusals.pop(0)
        return SAVED


class Bench:
    """A saver on a clock that only sleeping moves."""

    def __init__(self, refusals: list[Exception]) -> None:
        self.time = 1_000.0
        self.store = Flaky(refusals)
        clock = Clock(lambda: self.time, lambda: self.time)
        self.progress = Progress("ns/job", "a-1", Mailbox(), clock)
        spec = parse_spec(spec_json(Path("/x"), Path("/m"), Path("/d")))
        self.saver = Saver(spec, self.progress, self.store, self._sleep)  # type: ignore[arg-type]

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def save(self, reason: Reason, ends: bool) -> Stored | TrainerError:
        return self.saver.save(5, reason, ends, lambda _: None, None)


def test_between_steps_it_is_told_and_tried_again_later() -> None:
    bench = Bench([AWAY])
    assert bench.save("periodic", False) is AWAY
    error = bench.progress.get("lastCheckpointError")
    assert (error["code"], error["step"], bench.store.tries) == ("storeUnreachable", 5, 1)
    assert not bench.saver.due()
    bench.time += 31
    assert bench.saver.due()
    assert bench.save("periodic", False) is SAVED
    assert not bench.saver.due()


def test_at_a_stop_it_is_tried_for_a_while() -> None:
    bench = Bench([AWAY, AWAY])
    assert bench.save("requested", True) is SAVED
    assert bench.store.tries == 3


def test_a_stop_does_not_wait_for_ever() -> None:
    bench = Bench([AWAY] * 1000)
    began = bench.time
    assert bench.save("requested", True) is AWAY
    assert bench.time - began <= 60


def test_nothing_is_tried_that_the_deadline_has_no_room_for() -> None:
    bench = Bench([AWAY] * 1000)
    bench.progress.checkpoint_took(4.0)
    bench.progress.set_deadline(bench.time + 30)
    assert bench.save("deadline", True) is AWAY
    left = bench.progress.remaining()
    assert left is not None
    assert left > 4.0 * 1.25


def test_a_trained_run_that_cannot_be_stored_fails() -> None:
    bench = Bench([AWAY] * 1000)
    with pytest.raises(TrainerError, match="no answer") as caught:
        bench.save("final", True)
    assert caught.value.exit_code == 23
    assert bench.store.tries > 60


@pytest.mark.parametrize("error", [BUSY, ValueError("a fault")])
def test_what_does_not_pass_ends_the_run(error: Exception) -> None:
    bench = Bench([error])
    with pytest.raises(type(error)):
        bench.save("periodic", False)


@pytest.mark.parametrize(
    ("phase", "still", "hung"),
    [("training", 61, True), ("training", 59, False), ("checkpointing", 61, False)],
)
def test_a_run_without_steps_is_hung(phase: str, still: float, hung: bool) -> None:
    bench = Bench([])
    end: Callable[..., None] = lambda *_: None  # noqa: E731
    bench.progress.set(phase=phase)
    bench.time += still
    found = Watchdog(bench.progress, end, 60.0).hung()  # type: ignore[arg-type]
    assert (found is not None) == hung
    if found is not None:
        assert (found.code, found.exit_code) == ("hung", 31)


def test_what_was_saved_before_a_loss_went_wrong_is_kept() -> None:
    bench = Bench([])
    for step, loss in enumerate([3.0, 2.0, 2.5, 1.8, 1.9, 4.0, 9.0, 40.0, None]):
        bench.saver.note(f"file:///{step}", loss)
    bench.saver.tidy()
    assert bench.store.protected == ("file:///1", "file:///3")
