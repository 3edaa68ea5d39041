"""Model folders, the results of earlier jobs among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.models import resolve as resolving
from kriptik_trainer.models.resolve import from_file, resolve
from kriptik_trainer.store_file import FileStore


def committed(root: Path, index: str = "config.json") -> Path:
    def write(folder: Path) -> None:
        (folder / index).write_text("{}")
        part = folder if index == "config.json" else folder / "unet"
        part.mkdir(exist_ok=True)
        (part / "model.safetensors").write_text("weights")

    return FileStore(root).save("artifact", "merged", 6, "a1", write).path


@pytest.mark.parametrize("index", ["config.json", "model_index.json"])
def test_an_artifact_is_a_model_for_the_next_job(tmp_path: Path, index: str) -> None:
    folder = committed(tmp_path, index)
    assert from_file(folder.as_uri()) == folder


def test_an_artifact_with_another_byte_is_refused(tmp_path: Path) -> None:
    folder = committed(tmp_path)
    (folder / "model.safetensors").write_text("Weights")
    with pytest.raises(TrainerError) as caught:
        from_file(folder.as_uri())
    assert caught.value.code == "checkpointBroken"


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(TrainerError) as caught:
        from_file(tmp_path.as_uri())
    assert caught.value.code == "modelIncomplete"


@pytest.mark.parametrize(
    ("source", "revision", "wanted"),
    [
        ("hf://openai/clip", None, ("openai/clip", None)),
        ("hf://openai/clip@" + "a" * 40, None, ("openai/clip", "a" * 40)),
        ("hf://openai/clip", "b" * 40, ("openai/clip", "b" * 40)),
    ],
)
def test_a_commit_may_stand_in_the_source(
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    revision: str | None,
    wanted: tuple[str, str | None],
) -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(name: str, commit: str | None, _: object) -> Path:
        asked.append((name, commit))
        return Path("/model")

    monkeypatch.setattr(resolving, "from_hub", fetch)
    resolve(source, revision, lambda _: None)
    assert asked == [wanted]
