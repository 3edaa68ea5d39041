"""What `store inspect` and `store verify` tell of folders, claims and buckets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.cli import main
from kriptik_trainer.store import open_store
from kriptik_trainer.store_place import StorePlace
from support.s3 import Server
from support.saving import content, save


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and the JSON that was printed."""
    code = main(arguments)
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(params=["claim", "bucket"])
def reached(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StorePlace, list[str]]:
    """A store, and the options by which it is reached."""
    if request.param == "claim":
        place = StorePlace("pvc://claim/jobs/1", mount=tmp_path / "mount")
        return place, ["--mount", str(place.mount)]
    server: Server = request.getfixturevalue("server")
    place = server.place(tmp_path / "scratch")
    keys = ["--credentials-dir", str(place.s3.credentials)]
    return place, ["--endpoint", str(place.s3.endpoint), *keys]


def test_inspect_tells_all_that_a_store_holds(
    reached: tuple[StorePlace, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    place, options = reached
    store = open_store(place, "kriptik-job-1")
    store.acquire()
    old, new = save(store, 5), save(store, 10)
    merged = store.save("artifact", "merged", 10, "kriptik-job-1", content("merged"))
    store.put_result("kriptik-job-1", {"attempt": "kriptik-job-1", "outcome": "frozen"})
    with store.metrics_path.open("a") as file:
        file.write('{"n": 1}\n{"n": 2}\n{"n": 3, "ha')
    store.flush()
    store.close()

    code, found = told(capsys, "store", "inspect", "--uri", place.uri, *options)

    assert code == 0
    expected = {
        "uri": new.uri,
        "step": 10,
        "manifestSha256": new.manifest_sha256,
        "sizeBytes": new.size_bytes,
        "createdAt": new.created_at,
        "attempt": "kriptik-job-1",
        "verified": True,
    }
    assert found["checkpoints"][0] == expected
    assert [one["uri"] for one in found["checkpoints"]] == [new.uri, old.uri]
    assert [(one["name"], one["uri"]) for one in found["artifacts"]] == [("merged", merged.uri)]
    assert found["results"][0]["outcome"] == "frozen"
    assert [point["n"] for point in found["metricsTail"]] == [1, 2]
    code, one = told(capsys, "store", "verify", "--uri", new.uri, *options)
    assert (code, one["ok"], one["step"]) == (0, True, 10)


def change(folder: Path) -> None:
    (folder / "state.json").write_text("changed")


def link(folder: Path) -> None:
    (folder / "state.json").rename(folder.parent / "state.json")
    (folder / "state.json").symlink_to(folder.parent / "state.json")


def hide(folder: Path) -> None:
    (folder / ".state.json.pkl").write_text("code")


@pytest.mark.parametrize("damage", [change, link, hide])
def test_a_broken_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    place = StorePlace("pvc://claim/jobs/1", mount=tmp_path)
    store = open_store(place, "kriptik-job-1")
    store.acquire()
    bad = save(store, 5)
    folder = tmp_path / "jobs/1/checkpoints/step-00000005"
    damage(folder)
    store.close()

    _, found = told(capsys, "store", "inspect", "--uri", place.uri, "--mount", str(tmp_path))
    [one] = found["checkpoints"]
    assert (one["step"], one["verified"]) == (5, False)
    assert "state.json" in one["problem"]
    code, refused = told(capsys, "store", "verify", "--uri", bad.uri, "--mount", str(tmp_path))
    assert code == 20
    assert refused["error"]["code"] == "checkpointBroken"
    assert store.latest().stored is None


def test_a_store_that_holds_nothing_is_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = told(capsys, "store", "inspect", "--uri", tmp_path.as_uri())
    assert code == 0
    empty = {"checkpoints": [], "artifacts": [], "results": [], "metricsTail": []}
    assert found == {"uri": tmp_path.as_uri(), **empty}
