"""Saving, reading back, resuming and retention on a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.s3_client import PART_BYTES
from kriptik_trainer.store import Stored, open_store
from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.store_s3 import S3Store
from support.s3 import Server
from support.saving import content, lower, save


def split(stored: Stored) -> tuple[str, str]:
    bucket, _, key = stored.uri.removeprefix("s3://").partition("/")
    return bucket, key


def steps(server: Server, place: StorePlace) -> list[int]:
    """Steps of the folders that are left, published or not."""
    names = {key.split("/")[1] for key in server.keys_below(place.uri) if key.count("/") > 1}
    return sorted(int(name[5:13]) for name in names if name.startswith("step-"))


def test_a_checkpoint_is_read_back_by_a_later_attempt(store: S3Store, place: StorePlace) -> None:
    saved = save(store, 10, large=PART_BYTES + 1)

    later = open_store(place, "kriptik-job-2")
    read = later.verified(saved.uri, saved.manifest_sha256)

    assert (read.path / "sub" / "weights").read_bytes() == b"10" * 1000
    assert (read.path / "large.bin").stat().st_size == PART_BYTES + 1
    assert (read.step, read.size_bytes) == (10, saved.size_bytes)
    later.close()
    assert not read.path.exists()


def test_a_checkpoint_of_the_job_beside_is_read_and_never_touched(
    store: S3Store, place: StorePlace, server: Server
) -> None:
    saved = save(store, 10)
    held = server.keys_below(place.uri)

    beside = replace(place, uri=f"{place.uri.rstrip('/').rpartition('/')[0]}/after")
    after = open_store(beside, "kriptik-after-1")
    assert isinstance(after, S3Store)
    after.acquire()
    read = after.verified(saved.uri, saved.manifest_sha256)
    assert (read.step, read.uri) == (10, saved.uri)
    for step in (11, 12, 13):
        save(after, step)
    after.rotate(1, (saved.uri,))

    assert server.keys_below(place.uri) == held
    with pytest.raises(TrainerError, match="neither in the store"):
        after.verified(f"s3://{server.bucket}-other/jobs/a/checkpoints/step-00000010", None)
    after.close()


def test_the_layout_is_the_one_that_readers_know(
    store: S3Store, place: StorePlace, server: Server
) -> None:
    saved = save(store, 10)
    store.save("artifact", "adapter", 10, "kriptik-job-1", content("a"))
    store.put_result("kriptik-job-1", {"outcome": "succeeded"})
    with store.metrics_path.open("a") as file:
        file.write('{"n": 1}\n{"n": 2, "half')
    store.flush()

    raw, bucket = server.raw(), server.bucket
    keys = server.keys_below(place.uri)
    artifact = next(one for one in keys if one.startswith("artifacts/")).split("/")[1]
    folder = saved.uri.rsplit("/", 1)[-1]
    assert keys == sorted(
        [
            f"artifacts/{artifact}/MANIFEST.json",
            f"artifacts/{artifact}/state.json",
            f"artifacts/{artifact}/sub/weights",
            "attempts/kriptik-job-1/claim.json",
            "attempts/kriptik-job-1/result.json",
            "checkpoints/LATEST",
            f"checkpoints/{folder}/MANIFEST.json",
            f"checkpoints/{folder}/state.json",
            f"checkpoints/{folder}/sub/weights",
            "metrics.jsonl",
        ]
    )
    prefix = place.uri.removeprefix(f"s3://{bucket}/")
    pointer = json.loads(
        raw.get_object(Bucket=bucket, Key=f"{prefix}/checkpoints/LATEST")["Body"].read()
    )
    expected = {"step": 10, "uri": saved.uri, "manifestSha256": saved.manifest_sha256}
    assert pointer == expected
    tail = raw.get_object(Bucket=bucket, Key=f"{prefix}/metrics.jsonl")["Body"].read()
    assert tail == b'{"n": 1}\n'


Damage = Callable[[Server, str, str], None]


def cut(server: Server, bucket: str, key: str) -> None:
    server.raw().put_object(Bucket=bucket, Key=f"{key}/sub/weights", Body=b"10" * 999)


def swap(server: Server, bucket: str, key: str) -> None:
    server.raw().put_object(Bucket=bucket, Key=f"{key}/sub/weights", Body=b"01" * 1000)


def lose(server: Server, bucket: str, key: str) -> None:
    server.raw().delete_object(Bucket=bucket, Key=f"{key}/sub/weights")


def add(server: Server, bucket: str, key: str) -> None:
    server.raw().put_object(Bucket=bucket, Key=f"{key}/optimizer.pkl", Body=b"code")


def empty_manifest(server: Server, bucket: str, key: str) -> None:
    server.raw().put_object(Bucket=bucket, Key=f"{key}/MANIFEST.json", Body=b"")


def no_manifest(server: Server, bucket: str, key: str) -> None:
    server.raw().delete_object(Bucket=bucket, Key=f"{key}/MANIFEST.json")


def climb(server: Server, bucket: str, key: str) -> None:
    raw, name = server.raw(), f"{key}/MANIFEST.json"
    text = raw.get_object(Bucket=bucket, Key=name)["Body"].read().decode()
    raw.put_object(Bucket=bucket, Key=name, Body=text.replace("state.json", "../x.json").encode())


@pytest.mark.parametrize("damage", [cut, swap, lose, add, empty_manifest, no_manifest, climb])
def test_the_newest_whole_one_stands_in_for_a_broken_one(
    store: S3Store, server: Server, damage: Damage
) -> None:
    good, bad = save(store, 5), save(store, 10)
    damage(server, *split(bad))

    found = store.latest()

    assert found.stored is not None
    assert found.stored.uri == good.uri
    assert len(found.problems) == 1
    assert "step-00000010" in found.problems[0]
    with pytest.raises(TrainerError) as caught:
        store.verified(bad.uri, bad.manifest_sha256)
    assert caught.value.code == "checkpointBroken"


def test_a_second_save_of_a_step_leaves_the_first_as_it_is(store: S3Store) -> None:
    first, second = save(store, 5, text="old"), save(store, 5, text="new")

    assert first.uri != second.uri
    assert store.verified(first.uri, first.manifest_sha256).step == 5
    found = store.latest().stored
    assert found is not None
    assert found.uri == second.uri


def test_retention_keeps_the_last_the_best_and_the_one_resumed_from(
    store: S3Store, server: Server, place: StorePlace
) -> None:
    first = save(store, 1)
    for step, loss in ((2, 0.5), (3, 0.1), (4, 0.2), (5, 0.3), (6, 0.4)):
        save(store, step, evaluation=lower(loss))
        store.rotate(2, (first.uri,))

    assert steps(server, place) == [1, 3, 5, 6]


def test_what_was_changed_since_it_was_saved_does_not_count_as_kept(
    store: S3Store, server: Server, place: StorePlace
) -> None:
    for step in (1, 2, 3):
        save(store, step)
    broken = save(store, 4)
    swap(server, *split(broken))

    store.rotate(2, ())

    assert steps(server, place) == [2, 3, 4], "the changed one is not one of the two"


def test_a_new_process_deletes_nothing_before_it_has_saved_enough_itself(
    store: S3Store, server: Server, place: StorePlace, tmp_path: Path
) -> None:
    for step in (1, 2, 3):
        save(store, step)
    later = S3Store(place, "kriptik-job-2")
    later.acquire()
    later.rotate(1, ())
    assert steps(server, place) == [1, 2, 3]
    save(later, 4, "kriptik-job-2")
    later.rotate(1, ())
    assert steps(server, place) == [4]
    later.close()


def test_an_artifact_takes_the_place_of_an_older_one_only_when_it_is_whole(
    store: S3Store, server: Server, place: StorePlace
) -> None:
    old = store.save("artifact", "merged", 5, "kriptik-job-1", content("old"))

    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.save("artifact", "merged", 5, "kriptik-job-1", fails)
    assert store.verified(old.uri, old.manifest_sha256).step == 5
    new = store.save("artifact", "merged", 5, "kriptik-job-1", content("new"))
    left = {key.split("/")[1] for key in server.keys_below(place.uri) if "merged" in key}
    assert left == {new.uri.rsplit("/", 1)[-1]}


def test_the_history_goes_on_where_the_last_attempt_left_it(
    store: S3Store, server: Server, place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kriptik_trainer.s3_metrics.SEGMENT_POINTS", 10)
    with store.metrics_path.open("a") as file:
        file.writelines(f'{{"n": {n}}}\n' for n in range(1, 26))
    store.flush()
    later = S3Store(place, "kriptik-job-2")
    later.acquire()
    with later.metrics_path.open("a") as file:
        file.write('{"n": 26}\n')
    later.flush()

    prefix = place.uri.removeprefix(f"s3://{server.bucket}/")
    keys = ["metrics/000000000001.jsonl", "metrics/000000000011.jsonl", "metrics.jsonl"]
    assert [key for key in server.keys_below(place.uri) if key.startswith("metrics")] == sorted(
        keys
    )
    raw = server.raw()
    parts = [raw.get_object(Bucket=server.bucket, Key=f"{prefix}/{key}") for key in keys]
    lines = b"".join(part["Body"].read() for part in parts).splitlines()
    assert [json.loads(line)["n"] for line in lines] == list(range(1, 27))
    later.close()
