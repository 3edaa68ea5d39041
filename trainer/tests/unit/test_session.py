"""What a run decides between its steps."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from kriptik_trainer.deadline import freeze_lead
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.evaluation import Evaluator
from kriptik_trainer.executors.base import Content, StepFigures
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Clock, Progress
from kriptik_trainer.session import Session
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.store_file import FileStore
from kriptik_trainer.watchdog import Watchdog
from support.schema import PROTOCOL


class Measured:
    """An executor of which only evaluate() is called; it takes five seconds of the hands' time."""

    watched = ("perplexity", "lower")
    makes_samples = True
    remark = None

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def sample(self, folder: Path, count: int) -> None:
        (folder / "half").write_text("of a sample")
        raise RuntimeError("the vocoder is out of tune")

    def score(self, folder: Path) -> dict[str, float]:
        return {}

    def as_exported(self) -> AbstractContextManager[None]:
        return nullcontext()

    def evaluate(self) -> dict[str, float]:
        self._hands.time += 5
        self._hands.meanwhile()
        self._hands.measured.append(len(self._hands.measured))
        return {"perplexity": 9.0 - len(self._hands.measured)}


class Hands:
    """A session over a real store with a clock that only we move."""

    def __init__(self, root: Path) -> None:
        self.time = 1_000.0
        clock = Clock(lambda: self.time, lambda: self.time)
        given = json.loads((PROTOCOL / "examples" / "spec.json").read_text())
        spec = parse_spec({**given, "evaluation": {"everySteps": 10, "samples": 1}})
        self.mailbox = Mailbox()
        self.store = FileStore(root)
        self.progress = Progress("ns/job", "a1", self.mailbox, clock)
        self.metrics = Metrics(root / "metrics.jsonl", clock.wall)
        self.measured: list[int] = []
        self.meanwhile: Callable[[], object] = lambda: None
        evaluator = Evaluator(spec, Measured(self), self.progress, self.metrics, self.store)
        self.session = Session(
            spec, self.progress, self.metrics, self.store, {"model": "m"}, evaluator
        )
        self.session.begin(80, 0)

    def step(self, number: int, seconds: float = 1.0) -> tuple[bool, bool]:
        """A step that takes so long: (save, stop)."""
        self.session.step_begins()
        self.time += seconds
        told = self.session.step_ended(number, number / 40)
        return told.save, told.stop

    def save(self, number: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        """A checkpoint during which something happens."""

        def write(folder: Path) -> None:
            (folder / "weights").write_text("w")
            meanwhile()

        self.session.save(number, Content(write))


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(tmp_path)


def test_periodic_and_final_checkpoints(hands: Hands) -> None:
    assert [hands.step(n) for n in (19, 20, 80)] == [(False, False), (True, False), (True, True)]
    assert hands.session.ended_early is None


def test_a_stop_that_comes_while_a_checkpoint_is_written_is_not_lost(hands: Hands) -> None:
    assert hands.step(20) == (True, False)
    hands.save(20, lambda: hands.mailbox.submit("late", True, "budget", "requested"))
    late = hands.mailbox.get("late")

    assert late is not None
    assert late.state == "pending", "the checkpoint of step 20 was not decided on for it"
    assert hands.step(21) == (True, True)
    hands.save(21)
    assert (late.state, late.checkpoint and late.checkpoint["step"]) == ("done", 21)
    assert hands.session.ended_early == "stopped"


def test_the_deadline_freezes_when_a_step_and_a_save_no_longer_fit(hands: Hands) -> None:
    hands.progress.checkpoint_took(4.0)
    hands.progress.set_deadline(hands.time + 11.0)
    # 4 s x 1.25 + 2 s for the save and 1 s for the step: 8 s must be left.
    assert [hands.step(1), hands.step(2), hands.step(3)] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    assert hands.session.ended_early == "frozen"


def test_a_failed_checkpoint_is_answered_and_keeps_the_older_one(hands: Hands) -> None:
    hands.step(20)
    hands.save(20)
    hands.mailbox.submit("one", False, "test", "requested")
    hands.step(21)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        hands.save(21, full)
    one = hands.mailbox.get("one")
    assert one is not None
    assert one.state == "failed"
    assert "No space" in str(one.message)
    latest = hands.store.latest().stored
    assert latest is not None
    assert latest.step == 20


def test_a_full_disk_is_retried_once_older_checkpoints_are_gone(hands: Hands) -> None:
    for number in (20, 40):
        hands.step(number)
        hands.save(number)
    tries: list[int] = []

    def full_at_first() -> None:
        tries.append(len(list((hands.store.root / "checkpoints").glob("step-*"))))
        if len(tries) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    hands.step(60)
    hands.save(60, full_at_first)
    assert tries == [2, 1], "the older one went before the second try"
    assert hands.progress.get("lastCheckpoint")["step"] == 60


def test_a_ruined_loss_ends_the_run(hands: Hands) -> None:
    hands.step(1)
    with pytest.raises(TrainerError) as caught:
        hands.session.logged(1, StepFigures(float("nan"), 0.1, 1.0, 10))
    assert caught.value.code == "lossNotFinite"
    assert hands.metrics.history()[0]["loss"] is None


def test_metrics_survive_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = Metrics(path, lambda: 0.0)
    for step in (1, 2):
        first.add(step, 1.0, None, None, None)
    path.write_text(path.read_text() + '{"n": 3, "st')
    second = Metrics(path, lambda: 0.0)

    assert second.add(2, 0.5, None, None, None)["n"] == 3
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("phase", "origin", "seconds", "expected"),
    [
        ("preparing", None, None, None),
        ("preparing", "requested", None, "stopped"),
        ("preparing", "signal", None, "frozen"),
        ("exporting", "signal", None, "frozen"),
        ("training", "signal", None, None),
        ("preparing", None, 1.5, "frozen"),
        ("training", None, 1.5, None),
        ("training", None, 0.4, "frozen"),
        ("checkpointing", None, 0.4, "frozen"),
    ],
)
def test_the_watchdog_ends_only_what_cannot_end_itself(
    hands: Hands, phase: str, origin: str | None, seconds: float | None, expected: str | None
) -> None:
    class Unused:
        def end(self, *_: object) -> None:
            raise AssertionError("verdict() decides only")

    hands.progress.set(phase=phase)
    if origin == "signal":
        hands.mailbox.submit("s", True, "SIGTERM", "signal")
    elif origin == "requested":
        hands.mailbox.submit("s", True, "budget", "requested")
    if seconds is not None:
        hands.progress.set_deadline(hands.time + seconds)
    assert Watchdog(hands.progress, Unused()).verdict() == expected


def test_evaluations_come_when_due_and_keep_the_base(hands: Hands) -> None:
    for number in range(1, 31):
        hands.step(number)
    told = hands.progress.snapshot()["evaluation"]

    assert len(hands.measured) == 3
    assert (told["step"], told["base"], told["latest"]) == (
        30,
        {"perplexity": 8.0},
        {"perplexity": 6.0},
    )
    points = [point for point in hands.metrics.history() if "evaluation" in point]
    assert [point["step"] for point in points] == [10, 20, 30]


def test_an_evaluation_gives_way_to_the_deadline(hands: Hands) -> None:
    for number in range(1, 11):
        hands.step(number)
    assert len(hands.measured) == 1
    for number in range(11, 20):
        hands.step(number)
    # Enough for a step and a checkpoint, not for five seconds of measuring before them.
    lead = freeze_lead(hands.progress.pace())
    hands.progress.set_deadline(hands.time + 1 + lead + 2)
    hands.step(20)

    assert len(hands.measured) == 1
    assert hands.session.ended_early is None


def test_a_sample_that_fails_is_told_and_costs_nothing_else(hands: Hands) -> None:
    for number in range(1, 11):
        hands.step(number)
    status = hands.progress.snapshot()

    assert status["evaluation"]["step"] == 10
    assert status["warnings"] == ["no samples could be made at step 10: the vocoder is out of tune"]
    assert list((hands.store.root / "samples").iterdir()) == []


@pytest.mark.parametrize(
    ("meanwhile", "ended", "reason"),
    [
        (lambda h: h.mailbox.submit("s", True, "SIGTERM", "signal"), "frozen", "signal"),
        (lambda h: h.mailbox.submit("r", True, "budget", "requested"), "stopped", "requested"),
        (lambda h: h.progress.set_deadline(h.time + 3), "frozen", "deadline"),
    ],
    ids=["a signal", "a request", "a deadline"],
)
def test_what_ends_a_run_while_it_is_measured_is_heeded_before_another_step(
    hands: Hands, meanwhile: Callable[[Hands], object], ended: str, reason: str
) -> None:
    for number in range(1, 10):
        hands.step(number)
    hands.meanwhile = lambda: meanwhile(hands)

    assert hands.step(10) == (True, True)
    hands.save(10)
    assert hands.session.ended_early == ended
    assert hands.progress.get("lastCheckpoint")["reason"] == reason
    told = hands.progress.get("warnings")
    assert told == ([] if reason != "deadline" else told), "no sample is begun any more"
