"""Servers that are wrong, away, slow or stopped half way, and trainers that are killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.s3_client import Patience
from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.store_s3 import S3Store
from support.s3 import Server, free_port, write_keys
from support.saving import content, save
from support.slow_proxy import SlowProxy

HASTE = Patience(read=2.0, attempts=2)
"""For a server that says nothing; what works must answer in time on a busy machine too."""


def refused(place: StorePlace) -> TrainerError:
    """How a store refuses to be acquired."""
    store = S3Store(place, "kriptik-job-1")
    with pytest.raises(TrainerError) as caught:
        store.acquire()
    store.close()
    return caught.value


def test_what_is_wrong_is_found_before_training_begins(
    own: Server, place: StorePlace, tmp_path: Path
) -> None:
    own.add_user("nobody", "nobodys-secret")
    wrong = own.place(tmp_path, keys=write_keys(tmp_path / "wrong", own.key, "not-the-secret"))
    unknown = own.place(tmp_path, keys=write_keys(tmp_path / "unknown", "unknown", "x" * 20))
    forbidden = own.place(tmp_path, keys=write_keys(tmp_path / "user", "nobody", "nobodys-secret"))
    missing = own.place(tmp_path, bucket="no-such-bucket")
    away = own.place(tmp_path, endpoint=f"http://127.0.0.1:{free_port()}")
    half = own.place(tmp_path, keys=write_keys(tmp_path / "half", "key", ""))

    found = {
        name: refused(one)
        for name, one in {
            "wrong": wrong,
            "unknown": unknown,
            "forbidden": forbidden,
            "missing": missing,
            "away": away,
            "half": half,
        }.items()
    }
    assert {name: error.code for name, error in found.items()} == {
        "wrong": "storeCredentials",
        "unknown": "storeCredentials",
        "forbidden": "storeForbidden",
        "missing": "storeMissing",
        "away": "storeUnreachable",
        "half": "storeCredentials",
    }
    assert found["away"].exit_code == ExitCode.STORE
    assert found["forbidden"].exit_code == ExitCode.INPUT
    for error in found.values():
        assert error.remedy
        assert "not-the-secret" not in str(error)
        assert "nobodys-secret" not in str(error)


def test_keys_that_are_rotated_are_taken_up(
    server: Server, place: StorePlace, tmp_path: Path
) -> None:
    keys = write_keys(tmp_path / "rotated", server.key, server.secret)
    store = S3Store(replace(place, s3=replace(place.s3, credentials=keys)), "kriptik-job-1")
    store.acquire()
    write_keys(keys, server.key, "old")
    store._client._refresh()  # noqa: SLF001 - as if the old keys had been taken before they expired
    write_keys(keys, server.key, server.secret)
    assert save(store, 1).step == 1
    store.close()


def test_a_later_attempt_fences_an_earlier_one(store: S3Store, place: StorePlace) -> None:
    first = save(store, 1)
    later = S3Store(place, "kriptik-job-2")
    later.acquire()

    for act in (lambda: save(store, 2), lambda: store.put_result("kriptik-job-1", {})):
        with pytest.raises(TrainerError) as caught:
            act()
        assert caught.value.code == "storeBusy"
    assert refused(place).code == "storeBusy"
    found = later.latest().stored
    assert found is not None
    assert found.uri == first.uri
    later.close()


def test_a_second_process_of_an_attempt_fences_the_first(store: S3Store, place: StorePlace) -> None:
    twin = S3Store(place, "kriptik-job-1")
    twin.acquire()
    with pytest.raises(TrainerError, match="second process"):
        save(store, 2)
    assert save(twin, 2).step == 2
    twin.close()


def test_a_server_that_goes_away_while_it_is_written_to(
    own: Server, place: StorePlace, tmp_path: Path
) -> None:
    store = S3Store(place, "kriptik-job-1")
    store.acquire()
    good = save(store, 1)

    def dies(folder: Path) -> None:
        content("2")(folder)
        own.stop()

    began = time.monotonic()
    with pytest.raises(TrainerError) as caught:
        store.save("checkpoint", "step-00000002", 2, "kriptik-job-1", dies)
    assert caught.value.code == "storeUnreachable"
    assert time.monotonic() - began < 20
    store.flush()
    with pytest.raises(TrainerError, match="remedy|Remedy"):
        store.put_result("kriptik-job-1", {}, 1.0)

    own.start()
    found = store.latest().stored
    assert found is not None
    assert found.uri == good.uri
    assert save(store, 2).step == 2
    store.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[SlowProxy]:
    """A way to the server that a test can make worse."""
    opened = SlowProxy(server.endpoint)
    yield opened
    opened.close()


def test_a_server_that_says_nothing_is_given_up_in_time(
    server: Server, proxy: SlowProxy, tmp_path: Path
) -> None:
    store = S3Store(
        server.place(tmp_path, endpoint=proxy.endpoint), "kriptik-job-1", patience=HASTE
    )
    store.acquire()
    patient = S3Store(server.place(tmp_path, endpoint=proxy.endpoint), "kriptik-job-1")
    patient.acquire()
    proxy.block()
    with pytest.raises(TrainerError) as caught:
        save(store, 1)
    assert caught.value.code == "storeUnreachable"
    began = time.monotonic()
    with pytest.raises(TrainerError, match="within 0.3 s"):
        patient.put_result("kriptik-job-1", {}, 0.3)
    assert time.monotonic() - began < 20, "by itself it waits for a minute"
    proxy.unblock()
    assert save(store, 1).step == 1
    store.close()
    patient.close()


def test_a_slow_server_is_waited_for(server: Server, proxy: SlowProxy, tmp_path: Path) -> None:
    store = S3Store(server.place(tmp_path, endpoint=proxy.endpoint), "kriptik-job-1")
    store.acquire()
    proxy.rate = 2_000_000
    assert save(store, 1, large=3_000_000).step == 1
    store.close()


def test_a_connection_that_breaks_is_tried_again(
    server: Server, proxy: SlowProxy, tmp_path: Path
) -> None:
    place = server.place(tmp_path, endpoint=proxy.endpoint)
    store = S3Store(place, "kriptik-job-1")
    store.acquire()
    proxy.cut_after = proxy.passed + 1_500_000
    saved = save(store, 1, large=3_000_000)
    proxy.cut_after = proxy.passed + 1_500_000
    assert store.verified(saved.uri, saved.manifest_sha256).step == 1
    store.close()


def test_what_nobody_finished_is_removed_once_it_is_old(
    store: S3Store, place: StorePlace, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, prefix = server.raw(), place.uri.removeprefix(f"s3://{server.bucket}/")
    whole = save(store, 1)
    orphan = f"{prefix}/checkpoints/step-00000002.00000000/state.json"
    raw.put_object(Bucket=server.bucket, Key=orphan, Body=b"half")
    raw.create_multipart_upload(Bucket=server.bucket, Key=orphan.replace("state.json", "large"))

    young = S3Store(place, "kriptik-job-2")
    young.acquire()
    assert any("step-00000002" in key for key in server.keys_below(place.uri))
    monkeypatch.setattr("kriptik_trainer.store_s3.ORPHAN_AGE", timedelta(seconds=-5))
    old = S3Store(place, "kriptik-job-3")
    old.acquire()

    left = server.keys_below(place.uri)
    assert not any("step-00000002" in key for key in left)
    assert "Uploads" not in raw.list_multipart_uploads(Bucket=server.bucket, Prefix=prefix)
    assert old.verified(whole.uri, whole.manifest_sha256).step == 1
    young.close()
    old.close()


def test_a_full_scratch_disk_is_named(store: S3Store) -> None:
    good = save(store, 1)

    def full(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(TrainerError) as caught:
        store.save("checkpoint", "step-00000002", 2, "kriptik-job-1", full)
    assert caught.value.code == "diskFull"
    assert "scratch" in str(caught.value)
    store.make_room(())
    found = store.latest().stored
    assert found is not None
    assert found.uri == good.uri


WRITER = """
import sys, random
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from support.saving import save
from kriptik_trainer.store_place import S3Place, StorePlace
from kriptik_trainer.store_s3 import S3Store
uri, endpoint, keys, scratch, attempt, first, seed = sys.argv[3:]
place = StorePlace(uri, S3Place(endpoint, "us-east-1", True, Path(keys)), scratch=Path(scratch))
store = S3Store(place, attempt)
store.acquire()
sizes = random.Random(int(seed))
print("ready", flush=True)
for step in range(int(first), int(first) + 1000):
    saved = save(store, step, attempt, large=sizes.choice([0, 10_000, 40_000_000]))
    print(step, saved.uri, flush=True)
    store.rotate(2, ())
"""


def test_a_trainer_killed_at_any_moment_leaves_its_last_save(
    server: Server, place: StorePlace, tmp_path: Path
) -> None:
    here = Path(__file__).resolve().parents[1]
    chance, committed = random.Random(7), 0
    for attempt in range(1, 9):
        name = f"kriptik-job-{attempt}"
        keys, scratch = place.s3.credentials, place.scratch
        where = [here, here.parent, place.uri, place.s3.endpoint, keys, scratch]
        arguments = [*where, name, committed + 1, attempt]
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            saves = iter(writer.stdout)
            assert next(saves) == "ready\n"
            for _ in range(chance.randrange(1, 4)):
                committed = int(next(saves).split()[0])
            time.sleep(chance.random() * 0.6)
            writer.send_signal(signal.SIGKILL)
            for line in saves:
                committed = int(line.split()[0])

        reader = S3Store(place, name)
        found = reader.latest()
        assert found.stored is not None
        assert found.stored.step >= committed, "what a save announced is there and whole"
        for problem in found.problems:
            assert "MANIFEST.json is not there" in problem, "a half save does not look whole"
        committed = found.stored.step
        reader.close()


def test_a_result_is_whole_or_not_there(store: S3Store, server: Server, place: StorePlace) -> None:
    store.put_result("kriptik-job-1", {"outcome": "frozen"})
    prefix = place.uri.removeprefix(f"s3://{server.bucket}/")
    key = f"{prefix}/attempts/kriptik-job-1/result.json"
    text = server.raw().get_object(Bucket=server.bucket, Key=key)["Body"].read()
    assert json.loads(text) == {"outcome": "frozen"}
