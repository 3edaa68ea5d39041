"""Whole runs of the trainer that keep their work in a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kriptik_trainer.manifest import hash_file
from kriptik_trainer.store_place import StorePlace
from kriptik_trainer.store_s3 import S3Store
from support.process import TrainerProcess, ask
from support.s3 import Server
from support.slowly import Slowly
from support.specs import changed, spec_json


def in_bucket(place: StorePlace) -> dict[str, Any]:
    """The `store` object of a spec."""
    s3 = {
        "endpoint": place.s3.endpoint,
        "region": place.s3.region,
        "pathStyle": True,
        "credentialsDir": str(place.s3.credentials),
    }
    return {"uri": place.uri, "s3": s3, "scratch": str(place.scratch), "keepLast": 2}


def adapter(place: StorePlace, attempt: str, uri: str) -> str:
    """Hash of the weights of an artifact."""
    reader = S3Store(place, attempt)
    try:
        return hash_file(reader.verified(uri, None).path / "adapter_model.safetensors")[1]
    finally:
        reader.close()


def test_a_killed_run_goes_on_from_the_bucket_to_the_same_weights(
    server: Server, tmp_path: Path, tiny: Path, data: Path
) -> None:
    ends = {}
    for name in ("undisturbed", "killed"):
        place, root = server.place(tmp_path / name / "scratch"), tmp_path / name
        spec = changed(
            spec_json(root, tiny, data, "kriptik-test-1"),
            store=in_bucket(place),
            outputs=["adapter"],
            hyperparameters__checkpointEverySteps=2,
            hyperparameters__maxSteps=8,
        )
        if name == "killed":
            with TrainerProcess(root, spec, Slowly(5, 10.0)) as first:
                first.step(5)
                first.process.kill()
            reader = S3Store(place, "kriptik-test-1")
            found = reader.latest().stored
            reader.close()
            assert found is not None
            assert found.step >= 4
            resume = {
                "uri": found.uri,
                "step": found.step,
                "manifestSha256": found.manifest_sha256,
            }
            spec = changed(spec, attempt="kriptik-test-2", resume=resume)
        with TrainerProcess(root, spec) as run:
            assert run.exit_code() == 0, run.text()
        artifact = next(
            key.split("/")[1]
            for key in server.keys_below(place.uri)
            if key.startswith("artifacts/")
        )
        ends[name] = adapter(place, spec["attempt"], f"{place.uri}/artifacts/{artifact}")
        keys = server.keys_below(place.uri)
        assert f"attempts/{spec['attempt']}/result.json" in keys
        assert "metrics.jsonl" in keys
        assert len({key.split("/")[1] for key in keys if "/step-" in key}) <= 3
    assert ends["undisturbed"] == ends["killed"]


def test_training_goes_on_while_the_store_is_away(
    own: Server, tmp_path: Path, tiny: Path, data: Path
) -> None:
    place = own.place(tmp_path / "scratch")
    spec = changed(
        spec_json(tmp_path, tiny, data),
        store=in_bucket(place),
        outputs=["adapter"],
        hyperparameters__checkpointEverySteps=2,
        hyperparameters__maxSteps=100_000,
    )
    with TrainerProcess(tmp_path, spec) as run:
        run.step(3)
        port = run.port()
        kept = ask(port, "GET", "/v1/status").body["lastCheckpoint"]
        own.stop()

        def told() -> dict[str, Any] | None:
            status: dict[str, Any] = ask(port, "GET", "/v1/status").body
            return status if status.get("lastCheckpointError") else None

        status = run.until("failed checkpoint", told)
        assert status["lastCheckpointError"]["code"] == "storeUnreachable"
        assert status["lastCheckpoint"]["step"] >= kept["step"]
        run.step(status["step"] + 2)
        own.start()

        def saved_again() -> dict[str, Any] | None:
            now: dict[str, Any] = ask(port, "GET", "/v1/status").body
            newer = now["lastCheckpoint"]["step"] > status["lastCheckpoint"]["step"]
            return now if newer and not now["lastCheckpointError"] else None

        again = run.until("checkpoint after the outage", saved_again)
        own.stop()
        ask(port, "PUT", "/v1/deadline", {"seconds": 12})
        assert run.exit_code() == 10, run.text()
        own.start()
    reader = S3Store(place, "kriptik-test-1")
    found = reader.latest().stored
    assert found is not None
    assert found.step >= again["lastCheckpoint"]["step"]
    reader.close()


def test_a_store_that_cannot_be_written_ends_the_run_before_it_trains(
    own: Server, tmp_path: Path, tiny: Path, data: Path
) -> None:
    place = own.place(tmp_path / "scratch", bucket="no-such-bucket")
    spec = changed(spec_json(tmp_path, tiny, data), store=in_bucket(place))
    with TrainerProcess(tmp_path, spec) as run:
        assert run.exit_code() == 20
        assert "no such bucket" in run.text()
