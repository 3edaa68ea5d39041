"""What is imported by whom, read out of the sources: every attempt pays for it."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.libraries import loading, unused
from kriptik_trainer.spec import Spec, parse_spec
from support.specs import changed, spec_json

PACKAGE = Path(__file__).resolve().parents[2] / "kriptik_trainer"


def imported(statements: list[ast.stmt]) -> set[str]:
    """Modules that a file imports when it is loaded itself, with the names that may be modules too."""
    found: set[str] = set()
    for one in statements:
        if isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.ImportFrom) and one.module:
            found |= {one.module, *(f"{one.module}.{alias.name}" for alias in one.names)}
        elif isinstance(one, ast.If | ast.Try | ast.With | ast.ClassDef):
            found |= imported(one.body)
    return found


def path_of(module: str) -> Path | None:
    """The file of a module of ours."""
    plain = PACKAGE.parent.joinpath(*module.split("."))
    tries = (plain.with_suffix(".py"), plain / "__init__.py")
    return next((path for path in tries if path.is_file()), None)


def libraries(module: str) -> set[str]:
    """Top-level names of all that is imported with one of our modules, directly or not."""
    seen, left, found = set[str](), [module], set[str]()
    while left:
        name = left.pop()
        path = path_of(name)
        if path is None:
            found.add(name.split(".")[0])
        elif name not in seen:
            seen.add(name)
            left += imported(ast.parse(path.read_text()).body)
    return found - set(sys.stdlib_module_names) - {"kriptik_trainer"}


@pytest.mark.parametrize(
    "module", ["cli", "check", "capabilities", "run", "attempt", "control", "store_cli"]
)
def test_what_has_to_answer_at_once_needs_the_standard_library_only(module: str) -> None:
    assert libraries(f"kriptik_trainer.{module}") == set()


@pytest.mark.parametrize(
    ("executor", "foreign"),
    [
        ("sft", {"diffusers", "torchvision", "torchaudio", "soundfile", "av", "PIL", "TTS"}),
        ("dpo", {"diffusers", "torchvision", "torchaudio", "soundfile", "av", "PIL", "TTS"}),
        ("rlhf", {"diffusers", "torchvision", "torchaudio", "soundfile", "av", "PIL", "TTS"}),
        ("vlm", {"diffusers", "torchaudio", "soundfile", "av", "TTS"}),
        ("diffusion", {"trl", "datasets", "soundfile", "TTS"}),
        ("musicgen", {"trl", "datasets", "diffusers", "TTS"}),
        ("speecht5", {"trl", "datasets", "diffusers", "TTS"}),
        ("xtts", {"trl", "datasets", "diffusers"}),
    ],
)
def test_an_executor_imports_no_library_of_another_modality(
    executor: str, foreign: set[str]
) -> None:
    found = libraries(f"kriptik_trainer.executors.{executor}")
    assert "torch" in found
    assert found & foreign == set()


def spec_of(root: Path, modality: str, **changes: Any) -> Spec:
    """A run of LoRA on a model of no weights in 4 bits."""
    (root / "model").mkdir()
    (root / "model" / "config.json").write_text('{"model_type": "llama"}')
    given = spec_json(root, root / "model", root / "data.jsonl")
    return parse_spec(changed({**given, "modality": modality}, **changes))


@pytest.mark.parametrize(
    ("modality", "changes", "expected"),
    [
        ("llm", {}, {"bitsandbytes", "scipy", "torchaudio", "torchvision"}),
        ("image", {}, {"bitsandbytes"}),
        ("llm", {"method__name": "qlora"}, {"scipy", "torchaudio", "torchvision"}),
        ("image", {"hyperparameters__optimizer": "adamw-8bit"}, set()),
        ("image", {"model__source": "hf://somebody/something"}, set()),
        ("image", {"model__source": "file:///no/such/folder"}, {"bitsandbytes"}),
    ],
)
def test_what_a_run_has_no_use_for(
    tmp_path: Path, modality: str, changes: dict[str, Any], expected: set[str]
) -> None:
    assert set(unused(spec_of(tmp_path, modality, **changes))) == expected


def test_a_model_in_four_bits_and_a_stage_that_makes_one_need_the_library(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "image")
    part = tmp_path / "model" / "transformer"
    part.mkdir()
    (part / "config.json").write_text('{"quantization_config": {"load_in_4bit": true}}')
    assert unused(spec) == []
    stage = {"name": "one", "startsFrom": "base", "method": {"name": "qlora"}, "data": []}
    given = spec_json(tmp_path, tmp_path, tmp_path / "data.jsonl")
    staged = parse_spec({**given, "stages": [{**stage, "data": given["data"]}]})
    assert "bitsandbytes" not in unused(staged)


def test_what_is_left_out_is_not_found() -> None:
    code = (
        "import importlib.util as u\n"
        "from kriptik_trainer.libraries import leave_out\n"
        "names = ('scipy', 'torchvision', 'torch')\n"
        "print(*[u.find_spec(n) is None for n in names])\n"
        "leave_out(['scipy', 'torchvision'])\n"
        "print(*[u.find_spec(n) is None for n in names])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert told.stdout.split() == [*["False"] * 3, "True", "True", "False"]


def fails_to_load() -> None:
    with loading():
        assert not gc.isenabled()
        raise ImportError


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_is_as_it_was_after_loading(before: bool) -> None:
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ImportError):
            fails_to_load()
        assert gc.isenabled() == before
    finally:
        gc.unfreeze()
        (gc.enable if was else gc.disable)()
