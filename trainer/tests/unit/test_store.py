"""Commits, verification and rotation of checkpoints."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.store import Stored, path_of
from kriptik_trainer.store_file import FileStore


def put(store: FileStore, step: int, text: str = "weights") -> Stored:
    def write(folder: Path) -> None:
        (folder / "sub").mkdir()
        (folder / "sub" / "weights").write_text(f"{text} {step}")

    return store.save("checkpoint", f"step-{step:08d}", step, "a1", write)


def test_the_newest_that_verifies_is_the_latest(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert store.latest().stored is None
    good, bad = put(store, 2), put(store, 4)
    (bad.path / "sub" / "weights").write_text("weightz 4")

    assert store.latest().stored == good
    with pytest.raises(TrainerError, match="size and hash"):
        store.verified(bad.uri, bad.manifest_sha256)
    with pytest.raises(TrainerError, match="not the expected"):
        store.verified(good.uri, "0" * 64)


def test_a_missing_file_and_a_missing_manifest_are_broken(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    one, two = put(store, 1), put(store, 2)
    (one.path / "sub" / "weights").unlink()
    (two.path / "MANIFEST.json").unlink()

    for stored in (one, two):
        with pytest.raises(TrainerError) as caught:
            store.verified(stored.uri, None)
        assert caught.value.code == "checkpointBroken"
    assert store.latest().stored is None


def test_rotation_keeps_the_newest_good_ones_and_the_protected(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    first = put(store, 1)
    for step in (2, 3, 4):
        put(store, step)
    (store.root / "checkpoints/step-00000004/sub/weights").write_text("broken")
    # A new process has not committed any of them itself, so it reads them back.
    FileStore(tmp_path).rotate(2, (first.uri,))

    left = sorted(path.name[-1] for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["1", "2", "3", "4"], "the broken one does not count as one of the two"
    put(store, 5)
    store.rotate(2, ())
    left = sorted(path.name[-1] for path in (tmp_path / "checkpoints").iterdir())
    assert "5" in left
    assert "1" not in left


def test_a_failing_write_leaves_everything_as_it_was(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    good = put(store, 1)

    def full(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("step-00000002", "step-00000001"):
        with pytest.raises(OSError, match="No space"):
            store.save("checkpoint", name, 2, "a1", full)
    assert store.latest().stored == good
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


def test_saving_again_replaces(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    before, after = put(store, 1, "old"), put(store, 1, "new")

    assert before.manifest_sha256 != after.manifest_sha256
    assert store.latest().stored == after
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]


def test_a_manifest_that_points_outside_is_refused(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    stored = put(store, 1)
    manifest = stored.path / "MANIFEST.json"
    manifest.write_text(manifest.read_text().replace("sub/weights", "../../secret"))

    with pytest.raises(TrainerError, match="outside its folder"):
        store.verified(stored.uri, None)


@pytest.mark.parametrize("uri", ["s3://a/b", "file://host/a", "relative", "file:relative"])
def test_only_file_uris_have_a_path(uri: str) -> None:
    with pytest.raises(TrainerError) as caught:
        path_of(uri)
    assert caught.value.code == "unsupportedUri"
