"""The schema, its examples and what the trainer really sends are one and the same contract."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.control import BODY_LIMIT, Api, serve
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Clock, Progress, checkpoint_json
from kriptik_trainer.result import Ending
from kriptik_trainer.spec import Control, parse_spec
from kriptik_trainer.store_file import FileStore
from support.process import ask
from support.schema import PROTOCOL, SCHEMA, check

EXAMPLES = sorted((PROTOCOL / "examples").glob("*.json"))


class Served:
    """A control server without training behind it."""

    def __init__(self, root: Path) -> None:
        self.aborted = False
        self.store = FileStore(root / "store")
        clock = Clock(lambda: 1_800_000_000.0, time.monotonic)
        self.progress = Progress("ns/job", "kriptik-1", Mailbox(), clock)
        self.metrics = Metrics(root / "store" / "metrics.jsonl", clock.wall)
        (root / "token").write_text("test-token")
        self.control = Control("127.0.0.1", 0, root / "token", root / "port.json")
        self.server = serve(self.control, Api(self.progress, self.metrics, self.abort))
        self.port = self.server.port

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    yield one
    one.server.shutdown()
    one.server.server_close()


def definition_of(path: Path) -> str:
    """`result-failed.json` is a `result`."""
    names = [
        name for name in SCHEMA["$defs"] if path.stem == name or path.stem.startswith(f"{name}-")
    ]
    return max(names, key=len)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_as_the_schema_says(path: Path) -> None:
    check(definition_of(path), json.loads(path.read_text()))


def test_every_message_has_an_example() -> None:
    shown = {definition_of(path) for path in EXAMPLES}
    assert shown == set(SCHEMA["$defs"]) - {
        "checkpointInfo",
        "artifactInfo",
        "sampleInfo",
        "checkpointError",
        "error",
    }


def test_the_example_spec_is_accepted() -> None:
    spec = parse_spec(json.loads((PROTOCOL / "examples" / "spec.json").read_text()))
    assert spec.hyperparameters.learning_rate == 0.002
    assert spec.resume is not None
    assert spec.resume.step == 40


def test_status_first_and_after_work(served: Served) -> None:
    first = ask(served.port, "GET", "/v1/status")
    check("status", first.body)
    stored = served.store.save(
        "checkpoint", "step-00000003", 3, "kriptik-1", lambda f: (f / "x").write_text("x") and None
    )
    served.progress.set(totalSteps=9, lastCheckpoint=checkpoint_json(stored, "periodic", 0.1))
    served.progress.step_done(3, 0.5, 2.0, 4)
    served.progress.logged(float("nan"), 0.1, 12.0)
    served.progress.mailbox.submit("one", False, "test", "requested")
    later = ask(served.port, "GET", "/v1/status")

    check("status", later.body)
    check("manifest", json.loads((stored.path / "MANIFEST.json").read_text()))
    assert first.body["phase"] == "starting"
    assert first.headers["kriptik-protocol"] == "1"
    assert (later.body["etaSeconds"], later.body["samplesPerSecond"]) == (12.0, 2.0)
    assert later.body["loss"] is None, "JSON has no NaN"
    check("port", json.loads(served.control.port_file.read_text()))


def test_metrics_are_paged(served: Served) -> None:
    for step in range(1, 6):
        served.metrics.add(step, 1.0 / step, 0.1, float("inf"), None)
    page = ask(served.port, "GET", "/v1/metrics?since=1&limit=2").body
    end = ask(served.port, "GET", "/v1/metrics?since=5").body

    check("metrics", page)
    assert [point["n"] for point in page["points"]] == [2, 3]
    assert page["next"] == 3
    assert end == {"next": 5, "points": []}


def test_checkpoint_requests_are_idempotent(served: Served) -> None:
    body = {"id": "one", "stop": True, "reason": "budget"}
    check("request-checkpoint", body)
    answers = [ask(served.port, "POST", "/v1/checkpoint", body) for _ in range(2)]
    detail = ask(served.port, "GET", "/v1/checkpoint/one").body
    mailbox = served.progress.mailbox
    mailbox.settle(mailbox.waiting(), None, "the disk is full")
    failed = ask(served.port, "GET", "/v1/checkpoint/one").body

    assert [answer.status for answer in answers] == [202, 202]
    for answer in answers:
        check("checkpoint", answer.body)
    check("checkpoint", detail)
    check("checkpoint", failed)
    assert (detail["state"], failed["state"]) == ("pending", "failed")
    assert served.progress.mailbox.waiting() == []


def test_deadlines_are_set_and_removed(served: Served) -> None:
    by_time = ask(served.port, "PUT", "/v1/deadline", {"deadline": "2027-01-15T09:00:00+01:00"})
    by_seconds = ask(served.port, "PUT", "/v1/deadline", {"seconds": 90})
    left = served.progress.remaining()
    none = ask(served.port, "PUT", "/v1/deadline", {"deadline": None})

    for answer in (by_time, by_seconds, none):
        assert answer.status == 200
        check("deadline", answer.body)
    assert by_time.body["deadline"] == "2027-01-15T08:00:00.000Z"
    assert left is not None
    assert 89 < left <= 90
    assert served.progress.remaining() is None


def test_the_token_may_come_in_a_header_of_our_own(served: Served) -> None:
    """The API server's proxy to pods keeps Authorization for itself."""
    own = {"Kriptik-Authorization": "Bearer test-token"}
    asked = [
        ask(served.port, "GET", "/v1/status", token=None, headers=headers).status
        for headers in (
            own,
            {"Authorization": "Bearer of-the-cluster", **own},
            {"Kriptik-Authorization": "Bearer wrong"},
            {"Kriptik-Authorization": "test-token"},
        )
    ]
    assert asked == [200, 200, 401, 401]


def test_a_request_is_withdrawn_until_it_has_begun(served: Served) -> None:
    body = {"id": "one", "stop": True, "reason": "budget"}
    ask(served.port, "POST", "/v1/checkpoint", body)
    withdrawn = ask(served.port, "DELETE", "/v1/checkpoint/one")
    again = ask(served.port, "DELETE", "/v1/checkpoint/one")
    status = ask(served.port, "GET", "/v1/status").body
    ask(served.port, "POST", "/v1/checkpoint", body)
    served.progress.mailbox.take()
    late = ask(served.port, "DELETE", "/v1/checkpoint/one")

    check("checkpoint", withdrawn.body)
    assert (withdrawn.status, withdrawn.body) == (200, {"id": "one", "state": "cancelled"})
    assert (again.status, again.body["code"]) == (404, "unknownRequest")
    assert status["request"] is None
    assert (late.status, late.body["code"]) == (409, "requestBegun")


def test_stop_without_checkpoint_aborts(served: Served) -> None:
    answer = ask(served.port, "POST", "/v1/stop", {"id": "s", "checkpoint": False})
    assert (answer.status, served.aborted) == (202, True)


REFUSED = [
    ("no token", "GET", "/v1/status", None, None, 401, "unauthorized"),
    ("wrong token", "GET", "/v1/status", None, "wrong", 401, "unauthorized"),
    ("no such path", "GET", "/v1/nothing", None, "test-token", 404, "notFound"),
    ("wrong method", "POST", "/v1/status", {}, "test-token", 405, "methodNotAllowed"),
    ("unknown request", "GET", "/v1/checkpoint/x", None, "test-token", 404, "unknownRequest"),
    ("bad since", "GET", "/v1/metrics?since=-1", None, "test-token", 400, "invalidRequest"),
    ("bad limit", "GET", "/v1/metrics?limit=0", None, "test-token", 400, "invalidRequest"),
    ("not JSON", "POST", "/v1/checkpoint", b"{", "test-token", 400, "invalidRequest"),
    ("not an object", "POST", "/v1/checkpoint", [], "test-token", 400, "invalidRequest"),
    ("no id", "POST", "/v1/checkpoint", {}, "test-token", 400, "invalidRequest"),
    (
        "id with a slash",
        "POST",
        "/v1/checkpoint",
        {"id": "a/b"},
        "test-token",
        400,
        "invalidRequest",
    ),
    (
        "stop not a flag",
        "POST",
        "/v1/checkpoint",
        {"id": "a", "stop": 1},
        "test-token",
        400,
        "invalidRequest",
    ),
    ("no deadline", "PUT", "/v1/deadline", {}, "test-token", 400, "invalidRequest"),
    (
        "deadline without offset",
        "PUT",
        "/v1/deadline",
        {"deadline": "2027-01-01T00:00:00"},
        "test-token",
        400,
        "invalidRequest",
    ),
    (
        "seconds a text",
        "PUT",
        "/v1/deadline",
        {"seconds": "9"},
        "test-token",
        400,
        "invalidRequest",
    ),
    (
        "huge body",
        "POST",
        "/v1/checkpoint",
        b"x" * (BODY_LIMIT + 1),
        "test-token",
        413,
        "bodyTooLarge",
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "token", "status", "code"),
    [pytest.param(*case[1:], id=case[0]) for case in REFUSED],
)
def test_refusals_are_problems(
    served: Served, method: str, path: str, body: Any, token: str | None, status: int, code: str
) -> None:
    answer = ask(served.port, method, path, body, token)

    check("problem", answer.body)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["kriptik-protocol"] == "1"


def test_healthz_needs_no_token(served: Served) -> None:
    assert ask(served.port, "GET", "/healthz", token=None).body == {"ok": True}


def test_results_of_each_ending(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setenv(
        "KRIPTIK_TERMINATION_LOG", str(served.control.token_file.parent / "last-word")
    )
    endings = [
        ("succeeded", None),
        ("frozen", None),
        ("stopped", None),
        ("failed", TrainerError("internal", "x", exit_code=30)),
    ]
    for number, (outcome, error) in enumerate(endings):
        ending = Ending(served.progress, served.store, f"a{number}", codes.append)
        ending.end(outcome, error)
        ending.end("succeeded")
        result = json.loads((served.store.root / f"attempts/a{number}/result.json").read_text())
        check("result", result)
        check("last-word", json.loads((served.control.token_file.parent / "last-word").read_text()))
        assert result["outcome"] == outcome
    assert codes == [0, 10, 11, 30], "each ends once, with its own code"


def test_a_taken_port_is_told(served: Served) -> None:
    taken = Control("127.0.0.1", served.port, served.control.token_file, None)
    with pytest.raises(TrainerError) as caught:
        serve(taken, Api(served.progress, served.metrics, served.abort))
    assert caught.value.code == "portTaken"
    assert "port 0" in str(caught.value.remedy)
