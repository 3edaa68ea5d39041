"""Trains on the GPU, freezes, resumes and reports figures as JSON. For a machine with CUDA.

Needs torch, transformers, peft, trl and datasets, in any recent versions, and this folder's package:

    python trainer/tools/gpu_smoke.py --out OUT [--model FOLDER_OR_SOURCE] [--data FILE] [--steps 40]

Without --model a tiny model with random weights is built, which needs no network. Exit code 0 only if the
freeze, the resume and the export did what they should.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TRAINER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TRAINER), str(TRAINER / "tests")]


def start(root: Path, spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Starts an attempt; its log goes to stderr."""
    path = root / f"{spec['attempt']}.json"
    path.write_text(json.dumps(spec))
    return subprocess.Popen(
        [sys.executable, "-m", "kriptik_trainer", "run", "--spec", str(path)],
        env={**os.environ, "PYTHONPATH": str(TRAINER)},
        stdout=sys.stderr,
    )


def result_of(root: Path, attempt: str) -> dict[str, Any]:
    """result.json of an attempt that has ended."""
    path = root / "store" / "attempts" / attempt / "result.json"
    return dict(json.loads(path.read_text()))


def losses(root: Path) -> list[float]:
    """The loss of each step of both attempts."""
    lines = (root / "store" / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def build_spec(root: Path, model: str, data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Half precision on the GPU, LoRA or full."""
    from support.specs import changed, spec_json  # noqa: PLC0415

    spec: dict[str, Any] = changed(
        spec_json(root, root, data),
        model__source=model,
        method__name=options.method,
        method__lora={"r": 16, "alpha": 32, "dropout": 0.0, "targets": ["all-linear"]},
        outputs=["adapter", "merged"] if options.method == "lora" else ["merged"],
        control=None,
        hyperparameters__precision="bf16",
        hyperparameters__maxSteps=options.steps,
        hyperparameters__epochs=1000,
        hyperparameters__batchSize=4,
        hyperparameters__gradientAccumulation=1,
        hyperparameters__learningRate=options.rate,
        hyperparameters__maxLength=128,
        hyperparameters__checkpointEverySteps=max(1, options.steps // 2),
    )
    return spec


def main() -> int:
    """Freezes an attempt half-way with SIGTERM, resumes it to the end, checks both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", help="file://, hf:// or pypi:// source, or a folder")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rate", default="0.002")
    options = parser.parse_args()
    root = options.out.absolute()
    root.mkdir(parents=True, exist_ok=True)

    import torch  # noqa: PLC0415

    from support.rows import write_data  # noqa: PLC0415
    from support.specs import changed  # noqa: PLC0415

    model = options.model
    if model is None:
        from support.tiny import build_model  # noqa: PLC0415

        model = build_model(root / "model").as_uri()
    elif "://" not in model:
        model = Path(model).absolute().as_uri()
    data = options.data.absolute() if options.data else write_data(root / "data.jsonl", 64)
    spec = build_spec(root, model, data, options)

    half = (
        root / "store" / "checkpoints" / f"step-{max(1, options.steps // 2):08d}" / "MANIFEST.json"
    )
    frozen = start(root, changed(spec, attempt="gpu-1"))
    while frozen.poll() is None and not half.exists():
        time.sleep(0.01)
    if frozen.poll() is None:
        frozen.terminate()
    code_1 = frozen.wait()
    result_1 = result_of(root, "gpu-1")
    last = result_1["checkpoint"]
    resume = {name: last[name] for name in ("uri", "step", "manifestSha256")}
    began = time.monotonic()
    code_2 = start(root, changed(spec, attempt="gpu-2", resume=resume)).wait()
    seconds = time.monotonic() - began
    result_2 = result_of(root, "gpu-2")
    curve = losses(root)
    report = {
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "torch": torch.__version__,
        "method": options.method,
        "frozen": {"exit": code_1, "outcome": result_1["outcome"], "step": result_1["step"]},
        "resumed": {"exit": code_2, "outcome": result_2["outcome"], "step": result_2["step"]},
        "seconds": round(seconds, 1),
        "points": len(curve),
        "lossFirst": curve[0],
        "lossLast": curve[-1],
        "checkpointSeconds": last["seconds"],
        "artifacts": [one["name"] for one in result_2["artifacts"]],
    }
    # A fast GPU may finish before the signal comes: then the second attempt only exports.
    report["ok"] = (
        code_1 in (0, 10)
        and code_2 == 0
        and result_2["step"] == options.steps
        and len(curve) == options.steps
        and report["artifacts"] != []
    )
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    (root / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
